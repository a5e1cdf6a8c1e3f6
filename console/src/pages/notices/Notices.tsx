/** Operator notices: what is open, what was seen, and how the reader wants to be told. */

import { App, Button, Form, Select, Switch } from "antd";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { query } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { ProblemForm } from "../../design/ProblemForm";
import { useCursor } from "../../design/pages";
import { StateTag, Tag, Time } from "../../design/Small";
import { Empty, Fetch } from "../../design/States";
import { pick, useText } from "../../i18n";
import { Webhooks } from "./Webhooks";

type Schemas = components["schemas"];
type Notice = Schemas["NoticeView"];
type Preferences = Schemas["PreferenceBody"];
const STATES = ["open", "resolved"] as const;

export default function Notices() {
  const { say } = useText();
  const { may } = useSession();
  const { message } = App.useApp();
  const act = useAct();
  const all = query.useMutation("post", "/notices/acknowledge");
  // On a phone the rest stands below the list, which would push it down when it comes.
  const [isListed, setListed] = useState(false);
  return (
    <PageFrame
      title={say("notices.title")}
      lead={say("notices.lead")}
      actions={
        <Button
          loading={all.isPending}
          onClick={() => act(() => all.mutateAsync({})).catch((thrown) => message.error(asProblem(thrown).detail))}
        >
          {say("notices.acknowledgeAll")}
        </Button>
      }
    >
      <div className="columns">
        <List onShown={setListed} />
        {isListed ? (
          <div className="stack">
            <PreferencesPanel />
            {may("notice:webhooks") ? <Webhooks /> : null}
          </div>
        ) : null}
      </div>
    </PageFrame>
  );
}

function List({ onShown }: { onShown: (isShown: boolean) => void }) {
  const { say, language } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/notices", {
    params: {
      query: {
        ...page,
        ...(values.state ? { state: values.state as (typeof STATES)[number] } : {}),
      },
    },
  });
  const isThere = !found.isLoading;
  useEffect(() => {
    if (isThere) onShown(true);
  }, [isThere, onShown]);
  const acknowledge = query.useMutation("post", "/notices/{notice_id}/acknowledge");
  const columns: Column<Notice>[] = [
    {
      key: "what",
      title: say("notices.title"),
      render: (row) => (
        <>
          {row.link ? (
            <Link className="strong" to={row.link}>
              {pick(language, row)}
            </Link>
          ) : (
            <span className="strong">{pick(language, row)}</span>
          )}
          <div className="row small" style={{ marginTop: 4 }}>
            <StateTag state={row.severity} />
            {row.escalated_ms ? <Tag tone="bad">{say("notices.escalated")}</Tag> : null}
            {row.resolved_ms ? <Tag tone="good">{say("notices.resolved")}</Tag> : null}
          </div>
        </>
      ),
    },
    { key: "at", title: say("common.created"), render: (row) => <Time ms={row.raised_ms} />, nowrap: true },
    {
      key: "do",
      title: say("common.actions"),
      render: (row) =>
        row.acknowledged_ms || row.resolved_ms ? (
          <span className="muted small">{say("notices.acknowledged")}</span>
        ) : (
          <Button
            size="small"
            onClick={() =>
              act(() => acknowledge.mutateAsync({ params: { path: { notice_id: row.id } } })).catch((thrown) =>
                message.error(asProblem(thrown).detail),
              )
            }
          >
            {say("notices.acknowledge")}
          </Button>
        ),
    },
  ];
  return (
    <Panel flush>
      <FilterBar
        filters={[
          {
            key: "state",
            kind: "choice",
            label: say("common.state"),
            choices: STATES.map((value) => ({ value, label: say(`notices.${value}`) })),
          },
        ]}
      />
      <PageTable
        label={say("notices.title")}
        columns={columns}
        {...tableOf(found)}
        rowKey={(row) => row.id}
        isFiltered={isFiltered}
        empty={<Empty title={say("notices.emptyTitle")} hint={say("overview.nothingHint")} />}
      />
    </Panel>
  );
}

function PreferencesPanel() {
  const { say } = useText();
  const act = useAct();
  const found = query.useQuery("get", "/notices/preferences");
  const put = query.useMutation("put", "/notices/preferences");
  return (
    <Panel title={say("notices.preferences")}>
      <Fetch of={found} lines={3}>
        {(preferences) => (
          <ProblemForm<Preferences>
            submit={say("common.save")}
            initial={preferences}
            onSubmit={(values) => act(() => put.mutateAsync({ body: { ...preferences, ...values } }))}
          >
            <Form.Item name="by_email" label={say("notices.byEmail")} valuePropName="checked">
              <Switch />
            </Form.Item>
            <Form.Item name="least" label={say("notices.least")} rules={[{ required: true }]}>
              <Select
                options={(["info", "warning", "error"] as const).map((value) => ({
                  value,
                  label: say(`states.${value}`),
                }))}
              />
            </Form.Item>
          </ProblemForm>
        )}
      </Fetch>
    </Panel>
  );
}
