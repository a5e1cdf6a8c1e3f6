/** Every release, the latest first. */

import { CalendarOutlined, PlusOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { Link, useNavigate } from "react-router";
import { query } from "../../api/client";
import type { Release } from "../../api/types";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Person, StateTag, Tag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";
import { Audience } from "../../rules/Audience";
import { percent } from "../../rules/ruleWords";
import { AppName, useAreAppsNamed } from "../apps/names";
import { appOf, kindOf, useDeliverableNames } from "./kinds";

const STATES = ["draft", "submitted", "approved", "running", "paused", "completed", "stopped", "rolled_back"] as const;

export default function Releases() {
  const { say, sayOr } = useText();
  const { may } = useSession();
  const navigate = useNavigate();
  const names = useDeliverableNames();
  const areNamed = useAreAppsNamed();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/releases", {
    params: {
      query: {
        ...page,
        ...(values.state ? { state: values.state as (typeof STATES)[number] } : {}),
        ...(values.app ? { deliverable: values.app } : {}),
      },
    },
  });
  const columns: Column<Release>[] = [
    {
      key: "app",
      title: say("releases.kind"),
      // An id has no place to break at: it gets the room of most of them.
      width: "28%",
      render: (row) => (
        <AppName app={appOf(row)} name={names(row.kind, row.deliverable)}>
          {kindOf(row.kind) === "miniapp" ? null : <Tag>{say(`explain.kind_${kindOf(row.kind)}`)}</Tag>}
        </AppName>
      ),
    },
    {
      key: "version",
      title: say("common.version"),
      render: (row) => (
        <>
          <Link className="strong num" to={`/releases/${row.id}`}>
            {row.version}
          </Link>{" "}
          {row.version === String(row.sequence) || row.kind === "hotfix" ? null : (
            <span className="sub num">#{row.sequence}</span>
          )}
        </>
      ),
      nowrap: true,
    },
    {
      key: "state",
      title: say("common.state"),
      render: (row) => (
        <>
          <StateTag state={row.state} />
          {row.state === "running" && row.stages.length > 1 ? (
            <span className="small muted num"> {percent(row.stages[row.stage]?.basis_points ?? 0)}</span>
          ) : null}
        </>
      ),
      nowrap: true,
    },
    { key: "audience", title: say("releases.audience"), render: (row) => <Audience rule={row.audience} /> },
    // Names come later than rows: their column has its room from the beginning.
    {
      key: "by",
      title: say("releases.madeBy"),
      width: "15%",
      render: (row) => <Person id={row.made_by} />,
      nowrap: true,
    },
    { key: "at", title: say("common.changed"), render: (row) => <Time ms={row.changed_ms} />, nowrap: true },
  ];
  return (
    <PageFrame
      title={say("releases.title")}
      lead={say("releases.lead")}
      actions={
        <>
          <Button icon={<CalendarOutlined />} onClick={() => navigate("/releases/freezes")}>
            {say("releases.freezes")}
          </Button>
          {may("release:create") ? (
            <Button type="primary" icon={<PlusOutlined />} onClick={() => navigate("/releases/new")}>
              {say("releases.create")}
            </Button>
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
              choices: STATES.map((value) => ({ value, label: sayOr(`states.${value}`, value) })),
            },
            { key: "app", kind: "text", label: say("releases.deliverableId") },
          ]}
        />
        <PageTable
          label={say("releases.title")}
          columns={columns}
          {...tableOf(found)}
          rows={areNamed ? found.data?.items : undefined}
          rowKey={(row) => row.id}
          href={(row) => `/releases/${row.id}`}
          isFiltered={isFiltered}
          empty={<Empty title={say("releases.emptyTitle")} hint={say("releases.emptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}
