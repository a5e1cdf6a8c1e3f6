/** Every switch: its type, its state, what it gives, and when it was last changed. */

import { DownloadOutlined, PlusOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import { Link, useNavigate } from "react-router";
import { api, query } from "../../api/client";
import { asProblem } from "../../api/problem";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useProblemText } from "../../design/ProblemText";
import { useCursor } from "../../design/pages";
import { Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { saveFile } from "../../design/saveFile";
import { useText } from "../../i18n";
import { definitionOf, type Switch } from "./definition";
import { ImportSwitches } from "./ImportSwitches";
import { STATES, SwitchState } from "./names";

export default function Switches() {
  const { say } = useText();
  const { may } = useSession();
  const navigate = useNavigate();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const state = STATES.find((one) => one === values.state);
  const found = query.useQuery("get", "/switches", {
    params: { query: { ...page, ...(state ? { state } : {}), ...(values.search ? { search: values.search } : {}) } },
  });
  const columns: Column<Switch>[] = [
    {
      key: "key",
      title: say("switches.key"),
      render: (one) => (
        <>
          <Link className="strong mono wrap" to={`/switches/${one.key}`}>
            {one.key}
          </Link>
          {definitionOf(one).title ? <div className="sub wrap">{definitionOf(one).title}</div> : null}
        </>
      ),
    },
    { key: "type", title: say("switches.type"), render: (one) => say(`switches.type_${definitionOf(one).type}`) },
    { key: "state", title: say("common.state"), render: (one) => <SwitchState state={one.state} />, nowrap: true },
    { key: "gives", title: say("switches.gives"), render: (one) => <Gives of={one} /> },
    { key: "changed", title: say("switches.changed"), render: (one) => <Time ms={one.changed_ms} />, nowrap: true },
  ];
  return (
    <PageFrame
      title={say("switches.title")}
      lead={say("switches.lead")}
      actions={
        <>
          <ExportSwitches />
          {may("switch:edit") ? (
            <>
              <ImportSwitches />
              <Button type="primary" icon={<PlusOutlined />} onClick={() => navigate("/switches/new")}>
                {say("switches.create")}
              </Button>
            </>
          ) : null}
        </>
      }
    >
      <Panel flush>
        <FilterBar
          filters={[
            {
              key: "state",
              kind: "choice",
              label: say("common.state"),
              choices: STATES.map((value) => ({ value, label: say(`switches.state_${value}`) })),
            },
            { key: "search", kind: "text", label: say("switches.searchLabel") },
          ]}
        />
        <PageTable
          label={say("switches.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(one) => one.key}
          href={(one) => `/switches/${one.key}`}
          isFiltered={isFiltered}
          empty={<Empty title={say("switches.emptyTitle")} hint={say("switches.emptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}

function Gives({ of: one }: { of: Switch }) {
  const { say } = useText();
  const { default: name, rules } = definitionOf(one);
  if (one.state === "archived") return <span className="faint">—</span>;
  if (rules.length === 0) return <span className="wrap">{say("switches.givesDefault", { name })}</span>;
  const words = rules.length === 1 ? "switches.givesRule" : "switches.givesRules";
  return <span className="wrap">{say(words, { name, n: rules.length })}</span>;
}

function ExportSwitches() {
  const { say } = useText();
  const words = useProblemText();
  const { message } = App.useApp();
  const keep = async () => {
    try {
      const { data } = await api.GET("/switch-file");
      saveFile("switches.json", `${JSON.stringify(data, null, 2)}\n`);
    } catch (thrown) {
      message.error(words(asProblem(thrown)).title);
    }
  };
  return (
    <Button icon={<DownloadOutlined />} onClick={keep}>
      {say("switches.export")}
    </Button>
  );
}
