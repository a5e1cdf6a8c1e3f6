/** What waits for a reviewer: hotfixes, and versions, the urgent first. */

import { Link } from "react-router";
import { query } from "../../api/client";
import type { Version } from "../../api/types";
import { Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { Person, StateTag, Tag, Time } from "../../design/Small";
import { Empty, Loading } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { AppName } from "../apps/names";
import { useTitles, WaitingHotfixes } from "../hotfixes/Waiting";
import { waitingHotfixes } from "../hotfixes/words";

export default function Reviews() {
  const { say } = useText();
  const found = query.useQuery("get", "/reviews");
  const overview = query.useQuery("get", "/overview", {});
  const hotfixes = waitingHotfixes(overview.data?.needs_me.flatMap(({ matters }) => matters) ?? []);
  const { titles, isLoading } = useTitles(hotfixes);
  const { rows, pages } = useLocalPages(found.data?.items, null);
  const path = (row: Version) => `/apps/${row.app}/versions/${row.sequence}`;
  const columns: Column<Version>[] = [
    { key: "app", title: say("common.app"), render: (row) => <AppName app={row.app} name={row.name} /> },
    {
      key: "version",
      title: say("common.version"),
      render: (row) => (
        <span className="row">
          <Link className="strong num" to={path(row)}>
            {row.version}
          </Link>
          {row.urgent ? <Tag tone="warn">{say("apps.urgent")}</Tag> : null}
        </span>
      ),
    },
    { key: "state", title: say("common.state"), render: (row) => <StateTag state={row.state} />, nowrap: true },
    { key: "size", title: say("apps.size"), right: true, nowrap: true, render: (row) => bytes(row.size_bytes) },
    { key: "by", title: say("apps.submittedBy"), render: (row) => <Person id={row.submitted_by} /> },
    { key: "at", title: say("apps.waitingSince"), render: (row) => <Time ms={row.submitted_ms} />, nowrap: true },
  ];
  return (
    <PageFrame title={say("apps.reviewsTitle")} lead={say("apps.reviewsLead")}>
      {/* Both lists come together: one that came late would push the other down. */}
      {overview.isLoading || found.isLoading || isLoading ? (
        <Panel flush>
          <Loading lines={6} />
        </Panel>
      ) : (
        <div className="stack">
          {hotfixes.length > 0 ? <WaitingHotfixes rows={hotfixes} titles={titles} /> : null}
          {hotfixes.length > 0 && found.data?.items.length === 0 ? null : (
            <Panel {...(hotfixes.length > 0 ? { title: say("apps.versions") } : {})} flush>
              <PageTable
                label={say("apps.reviewsTitle")}
                columns={columns}
                rows={rows}
                rowKey={(row) => `${row.app}/${row.sequence}`}
                href={path}
                error={found.error}
                onRetry={() => found.refetch()}
                pages={pages}
                empty={<Empty title={say("apps.reviewsEmpty")} hint={say("apps.reviewsEmptyHint")} />}
              />
            </Panel>
          )}
        </div>
      )}
    </PageFrame>
  );
}
