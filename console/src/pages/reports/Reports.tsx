/** What customers reported about mini-apps. */

import { Button, Form, Input } from "antd";
import { Link } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, Person, Tag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { shortDigest } from "../../design/size";
import { useText } from "../../i18n";
import { AppName } from "../apps/names";

type Row = components["schemas"]["ReportView"];

export default function Reports() {
  const { say, sayOr } = useText();
  const { may } = useSession();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/reports", {
    params: {
      query: {
        ...page,
        ...(values.app ? { app: values.app } : {}),
        ...(values.handled ? { handled: values.handled === "yes" } : {}),
      },
    },
  });
  const columns: Column<Row>[] = [
    { key: "app", title: say("common.app"), render: (row) => <AppName app={row.app} link={may("app:read")} /> },
    {
      key: "reason",
      title: say("reports.reason"),
      render: (row) => <Tag tone="warn">{sayOr(`reports.reason_${row.reason}`, row.reason)}</Tag>,
      nowrap: true,
    },
    {
      key: "text",
      title: say("reports.text"),
      render: (row) => (row.text ? <span className="wrap">{row.text}</span> : <span className="faint">—</span>),
    },
    {
      key: "device",
      title: say("reports.device"),
      render: (row) =>
        may("customer:read") ? (
          <Link className="mono" to={`/devices/${row.device}`} title={row.device}>
            {shortDigest(row.device)}
          </Link>
        ) : (
          <CopyId value={row.device} />
        ),
      nowrap: true,
    },
    { key: "at", title: say("reports.at"), render: (row) => <Time ms={row.created_ms} />, nowrap: true },
    {
      key: "handled",
      title: say("reports.handled"),
      render: (row) => (row.handled_ms === null ? <Waiting row={row} /> : <Handled row={row} />),
    },
  ];
  return (
    <PageFrame title={say("reports.title")} lead={say("reports.lead")}>
      <Panel flush>
        <FilterBar
          filters={[
            { key: "app", kind: "text", label: say("reports.appId") },
            {
              key: "handled",
              kind: "choice",
              label: say("reports.handled"),
              choices: [
                { value: "no", label: say("reports.handled_no") },
                { value: "yes", label: say("reports.handled_yes") },
              ],
            },
          ]}
        />
        <PageTable
          label={say("reports.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.id}
          isFiltered={isFiltered}
          empty={<Empty title={say("reports.empty")} hint={say("reports.emptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}

function Waiting({ row }: { row: Row }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const mark = query.useMutation("put", "/reports/{report}/handled");
  if (!may("report:handle")) return <Tag tone="warn">{say("reports.handled_no")}</Tag>;
  return (
    <FormDialog<{ note?: string }>
      label={say("reports.handle")}
      size="small"
      title={say("reports.handle")}
      lead={say("reports.handleLead")}
      submit={say("reports.handle")}
      onSubmit={({ note }) =>
        act(() => mark.mutateAsync({ params: { path: { report: row.id } }, body: { note: note ?? "" } }))
      }
    >
      <Form.Item name="note" label={say("reports.note")}>
        <Input.TextArea rows={3} maxLength={2000} autoFocus />
      </Form.Item>
    </FormDialog>
  );
}

function Handled({ row }: { row: Row }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const unmark = query.useMutation("delete", "/reports/{report}/handled");
  return (
    <div className="stack tight">
      <span>
        <Person id={row.handled_by} /> · <Time ms={row.handled_ms ?? 0} />
      </span>
      {row.handled_note ? <span className="wrap muted">{row.handled_note}</span> : null}
      {may("report:handle") ? (
        <div>
          <Button
            size="small"
            type="link"
            onClick={() => act(() => unmark.mutateAsync({ params: { path: { report: row.id } } }))}
          >
            {say("reports.reopen")}
          </Button>
        </div>
      ) : null}
    </div>
  );
}
