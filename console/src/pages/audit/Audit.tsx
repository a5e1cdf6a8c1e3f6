/** The audit log: filtered, exported, and its chain checked. */

import { DownloadOutlined, SafetyCertificateOutlined } from "@ant-design/icons";
import { Button, DatePicker } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { query } from "../../api/client";
import { asProblem } from "../../api/problem";
import { apiRoot } from "../../api/workspace";
import { Facts, Note, Panel } from "../../design/Blocks";
import { SideSheet, TakesFocus } from "../../design/Dialog";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { ProblemNote } from "../../design/ProblemText";
import { useCursor } from "../../design/pages";
import { CopyId, Person, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";
import { type AuditRow, useActions, whoOf } from "./rows";

export default function Audit() {
  const { say } = useText();
  const { values, set, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const acted = useActions();
  const [shown, setShown] = useState<AuditRow | null>(null);
  const filters = {
    ...(values.actor ? { actor: values.actor } : {}),
    ...(values.action ? { action: values.action } : {}),
    ...(values.target ? { target: values.target } : {}),
    ...(values.from ? { from_ms: dayjs(values.from).startOf("day").valueOf() } : {}),
    ...(values.until ? { until_ms: dayjs(values.until).add(1, "day").startOf("day").valueOf() } : {}),
  };
  const found = query.useQuery("get", "/audit", {
    params: { query: { ...filters, ...page, sort: "-n" } },
  });
  const columns: Column<AuditRow>[] = [
    {
      key: "action",
      title: say("audit.action"),
      render: (row) => (
        <button type="button" className="copy-id" onClick={() => setShown(row)}>
          <span>
            <span className="strong link">{acted(row.action)}</span>
            <code className="sub block">{row.action}</code>
          </span>
        </button>
      ),
    },
    { key: "target", title: say("audit.target"), render: (row) => <CopyId value={row.target} /> },
    { key: "who", title: say("common.by"), render: (row) => <Person id={whoOf(row)} /> },
    { key: "at", title: say("common.created"), render: (row) => <Time ms={row.at_ms} absolute />, nowrap: true },
    { key: "n", title: "#", right: true, render: (row) => row.n },
  ];
  const csv = new URLSearchParams(
    Object.entries({ ...filters, bom: "true" }).map(([key, value]) => [key, String(value)]),
  );
  return (
    <PageFrame
      title={say("audit.title")}
      lead={say("audit.lead")}
      actions={
        <Button icon={<DownloadOutlined />} href={`${apiRoot()}/audit/csv?${csv}`}>
          {say("audit.csv")}
        </Button>
      }
    >
      <ChainCheck />
      <Panel flush>
        <FilterBar
          filters={[
            { key: "action", kind: "text", label: say("audit.action") },
            { key: "target", kind: "text", label: say("audit.target") },
            { key: "actor", kind: "text", label: say("audit.actor") },
          ]}
          extra={(["from", "until"] as const).map((key) => (
            <DatePicker
              key={key}
              aria-label={say(`audit.${key}`)}
              placeholder={say(`audit.${key}`)}
              value={values[key] ? dayjs(values[key]) : null}
              onChange={(_, text) => set(key, typeof text === "string" ? text : "")}
            />
          ))}
        />
        <PageTable
          label={say("audit.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => String(row.n)}
          isFiltered={isFiltered}
          empty={<Empty title={say("audit.emptyTitle")} />}
        />
      </Panel>
      <SideSheet
        isOpen={shown !== null}
        onClose={() => setShown(null)}
        title={shown ? say("audit.row", { n: shown.n }) : ""}
        size={520}
      >
        {shown ? (
          <TakesFocus>
            <Row row={shown} />
          </TakesFocus>
        ) : null}
      </SideSheet>
    </PageFrame>
  );
}

function Row({ row }: { row: AuditRow }) {
  const { say } = useText();
  const acted = useActions();
  return (
    <div className="stack">
      <Facts
        one
        items={[
          {
            label: say("audit.action"),
            value: (
              <>
                {acted(row.action)} <code className="muted">{row.action}</code>
              </>
            ),
          },
          { label: say("common.by"), value: <Person id={whoOf(row)} /> },
          { label: say("common.created"), value: <Time ms={row.at_ms} absolute /> },
          { label: say("audit.target"), value: <CopyId value={row.target} whole /> },
        ]}
      />
      <div>
        <div className="muted small">{say("audit.detail")}</div>
        <pre className="mono small" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere", margin: "4px 0 0" }}>
          {JSON.stringify(row.detail, null, 2)}
        </pre>
      </div>
      <Facts
        one
        items={[
          { label: say("audit.hash"), value: <CopyId value={row.hash} whole /> },
          { label: say("audit.previous"), value: <CopyId value={row.previous} whole /> },
        ]}
      />
    </div>
  );
}

function ChainCheck() {
  const { say } = useText();
  const check = query.useMutation("post", "/audit/verify");
  return (
    <div className="row">
      <Button icon={<SafetyCertificateOutlined />} loading={check.isPending} onClick={() => check.mutate({ body: {} })}>
        {say("audit.verify")}
      </Button>
      <div aria-live="polite" className="grow">
        {check.data ? (
          check.data.intact ? (
            <Note tone="good">
              <div>{say("audit.intact", { n: check.data.checked })}</div>
              <div className="small">
                #{check.data.head.n} <code className="wrap">{check.data.head.hash}</code>
              </div>
            </Note>
          ) : (
            <Note tone="bad">
              {say("audit.broken")}
              {check.data.problems.map((problem) => (
                <div key={`${problem.n}${problem.code}`} className="small">
                  #{problem.n} {problem.sentence}
                </div>
              ))}
            </Note>
          )
        ) : null}
        {check.error ? <ProblemNote problem={asProblem(check.error)} /> : null}
      </div>
    </div>
  );
}
