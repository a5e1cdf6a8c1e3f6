/** What the automatic checks found, with file and line. */

import type { Finding } from "../../api/types";
import { Note, Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { StateTag } from "../../design/Small";
import { useText } from "../../i18n";

export function Checks({ findings }: { findings: readonly Finding[] }) {
  const { say } = useText();
  const { rows, pages } = useLocalPages(findings, findings.length, 25);
  const count = (severity: string) => findings.filter((item) => item.severity === severity).length;
  const columns: Column<Finding>[] = [
    {
      key: "what",
      title: say("apps.finding"),
      render: (row) => (
        <>
          <div>{row.message}</div>
          <code className="sub">{row.code}</code>
        </>
      ),
    },
    { key: "severity", title: say("common.state"), render: (row) => <StateTag state={row.severity} />, nowrap: true },
    {
      key: "where",
      title: say("apps.where"),
      render: (row) =>
        row.file ? (
          <code>
            {row.file}
            {row.line ? `:${row.line}` : ""}
          </code>
        ) : null,
    },
  ];
  return (
    <Panel
      title={say("apps.checks")}
      flush
      hint={
        findings.length > 0
          ? say("apps.checksCount", { errors: count("error"), warnings: count("warning") })
          : undefined
      }
    >
      {findings.length === 0 ? (
        <div className="panel-body">
          <Note tone="good">{say("apps.checksGood")}</Note>
        </div>
      ) : (
        <PageTable
          label={say("apps.checks")}
          columns={columns}
          rows={rows}
          rowKey={(row) => `${row.code}${row.file}${row.line}${row.message}`}
          pages={pages}
        />
      )}
    </Panel>
  );
}
