/** What customers reported about mini-apps. */

import { Link } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, Tag, Time } from "../../design/Small";
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
      query: { ...page, ...(values.app ? { app: values.app } : {}) },
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
  ];
  return (
    <PageFrame title={say("reports.title")} lead={say("reports.lead")}>
      <Panel flush>
        <FilterBar filters={[{ key: "app", kind: "text", label: say("reports.appId") }]} />
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
