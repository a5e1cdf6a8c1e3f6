/** How an app does on devices: openings, starting time and what went wrong, by version. */

import { lazy, Suspense, useMemo } from "react";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { Empty, Fetch } from "../../design/States";
import { useText } from "../../i18n";

type Schemas = components["schemas"];
type Row = Schemas["VersionHealth"];

const Bars = lazy(() => import("./Bars"));

export function useAppHealth(app: string) {
  return query.useQuery("get", "/insight/apps/{app}/health", { params: { path: { app } } }, { enabled: app !== "" });
}

export function AppHealth({ app }: { app: string }) {
  const { say } = useText();
  const found = useAppHealth(app);
  return (
    <Panel title={say("insight.health")} hint={say("insight.healthHint")} flush>
      <Fetch of={found} lines={3}>
        {({ versions }) =>
          versions.length === 0 ? (
            <Empty title={say("insight.noDevices")} hint={say("insight.noDevicesHint")} />
          ) : (
            <>
              <Boot rows={versions} />
              <Versions rows={versions} />
            </>
          )
        }
      </Fetch>
    </Panel>
  );
}

/** The latest versions' starting times, the oldest of them first. */
function Boot({ rows }: { rows: readonly Row[] }) {
  const { say } = useText();
  const bars = useMemo(
    () =>
      rows
        .flatMap((row) => (row.boot_p50_ms === null ? [] : [{ sequence: row.sequence, value: row.boot_p50_ms }]))
        .sort((one, other) => one.sequence - other.sequence)
        .slice(-20)
        .map(({ sequence, value }) => ({ name: `#${sequence}`, value })),
    [rows],
  );
  if (bars.length === 0) return null;
  return (
    <div className="panel-body">
      <div className="small muted">{say("insight.bootChart")}</div>
      <Suspense fallback={<div style={{ height: 260 }} />}>
        <Bars title={say("insight.bootChart")} bars={bars} />
      </Suspense>
    </div>
  );
}

function Versions({ rows: all }: { rows: readonly Row[] }) {
  const { say } = useText();
  const { rows, pages } = useLocalPages(all, all.length);
  const ms = (value: number | null) => (value === null ? <span className="faint">—</span> : `${value} ms`);
  const columns: Column<Row>[] = [
    {
      key: "version",
      title: say("common.sequence"),
      render: (row) => <span className="strong num">#{row.sequence}</span>,
    },
    { key: "opens", title: say("insight.opens"), right: true, render: (row) => row.opens },
    { key: "p50", title: say("insight.bootHalf"), right: true, render: (row) => ms(row.boot_p50_ms), nowrap: true },
    { key: "p95", title: say("insight.bootMost"), right: true, render: (row) => ms(row.boot_p95_ms), nowrap: true },
    { key: "white", title: say("insight.whiteScreens"), right: true, render: (row) => row.white_screens },
    { key: "script", title: say("insight.scriptErrors"), right: true, render: (row) => row.script_errors },
    { key: "resources", title: say("insight.resources"), right: true, render: (row) => row.resources_failed },
    { key: "csp", title: say("insight.refused"), right: true, render: (row) => row.csp_refused },
  ];
  return (
    <PageTable
      label={say("insight.health")}
      columns={columns}
      rows={rows}
      rowKey={(row) => String(row.sequence)}
      pages={pages}
    />
  );
}

type ErrorRow = Schemas["ErrorView"];

export function useAppErrors(app: string) {
  const params = { path: { app }, query: { limit: 100 } };
  return query.useQuery("get", "/insight/apps/{app}/errors", { params }, { enabled: app !== "" });
}

export function AppErrors({ app }: { app: string }) {
  const { say } = useText();
  const found = useAppErrors(app);
  const { rows, pages } = useLocalPages(found.data?.items, app, 25);
  const columns: Column<ErrorRow>[] = [
    {
      key: "message",
      title: say("insight.error"),
      render: (row) => (
        <>
          <div className="strong">{row.message}</div>
          <code className="sub">{row.place}</code>
          {row.stack ? (
            <details>
              <summary className="small muted">{say("insight.stack")}</summary>
              <pre className="mono small" style={{ whiteSpace: "pre-wrap", margin: "4px 0 0" }}>
                {row.stack}
              </pre>
            </details>
          ) : null}
        </>
      ),
    },
    { key: "kind", title: say("system.kind"), render: (row) => row.kind },
    { key: "count", title: say("insight.times"), right: true, render: (row) => row.count },
    {
      key: "versions",
      title: say("apps.versions"),
      render: (row) => row.versions.map((item) => `#${item.sequence} (${item.count})`).join(", "),
    },
  ];
  return (
    <Panel title={say("insight.errors")} flush>
      <PageTable
        label={say("insight.errors")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.id}
        error={found.error}
        onRetry={() => found.refetch()}
        pages={pages}
        empty={<Empty title={say("insight.noErrors")} hint={say("insight.noErrorsHint")} />}
      />
    </Panel>
  );
}
