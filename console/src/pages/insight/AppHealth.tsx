/** How an app does on devices in the last days: use, starting time and what went wrong, by version and by day. */

import { lazy, Suspense, useMemo } from "react";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { Time } from "../../design/Small";
import { Empty, Fetch } from "../../design/States";
import { type TextKey, useText } from "../../i18n";

type Schemas = components["schemas"];
type Row = Schemas["VersionHealth"];

const Bars = lazy(() => import("./Bars"));
const DAY_MS = 86_400_000;
const DAYS = 7;

export function useAppHealth(app: string) {
  // Whole days of UTC, so that the question stays the same all day.
  const from_ms = (Math.floor(Date.now() / DAY_MS) - DAYS + 1) * DAY_MS;
  const params = { path: { app }, query: { from_ms, step: "day" } };
  return query.useQuery("get", "/insight/apps/{app}/health", { params }, { enabled: app !== "" });
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
              <h3 className="table-title">{say("insight.byVersion")}</h3>
              <Versions rows={versions} />
              <h3 className="table-title">{say("insight.byDay")}</h3>
              <Days rows={versions} />
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
  const columns: Column<Row>[] = [
    { key: "version", title: say("common.version"), render: (row) => <Version of={row} />, nowrap: true },
    ...useNumbers<Row>(),
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

type Day = Schemas["HealthPoint"] & { readonly of: Row };

/** Each day of each version, the latest day first. */
function Days({ rows: versions }: { rows: readonly Row[] }) {
  const { say, language } = useText();
  const days = useMemo(
    () =>
      versions
        .flatMap((version) => version.points.map((point): Day => ({ ...point, of: version })))
        .sort((one, other) => other.at_ms - one.at_ms || other.of.sequence - one.of.sequence),
    [versions],
  );
  const { rows, pages } = useLocalPages(days, days.length, 14);
  const shown = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone: "UTC" });
  const columns: Column<Day>[] = [
    { key: "day", title: say("insight.day"), render: (row) => shown.format(row.at_ms), nowrap: true },
    { key: "version", title: say("common.version"), render: (row) => <Version of={row.of} />, nowrap: true },
    ...useNumbers<Day>(),
  ];
  return (
    <PageTable
      label={say("insight.byDay")}
      columns={columns}
      rows={rows}
      rowKey={(row) => `${row.at_ms} ${row.of.sequence}`}
      pages={pages}
    />
  );
}

function Version({ of: { version, sequence } }: { of: { version: string; sequence: number } }) {
  return (
    <>
      <span className="strong">{version}</span> <span className="num muted">#{sequence}</span>
    </>
  );
}

/** The columns that a version and a day of one have alike. */
function useNumbers<Of extends Omit<Schemas["HealthPoint"], "at_ms">>(): Column<Of>[] {
  const { say } = useText();
  const ms = (value: number | null) => (value === null ? <span className="faint">—</span> : `${value} ms`);
  return [
    { key: "opens", title: say("insight.opens"), right: true, render: (row) => row.opens },
    { key: "devices", title: say("insight.devices"), right: true, render: (row) => row.devices },
    { key: "p50", title: say("insight.bootHalf"), right: true, render: (row) => ms(row.boot_p50_ms), nowrap: true },
    { key: "p95", title: say("insight.bootMost"), right: true, render: (row) => ms(row.boot_p95_ms), nowrap: true },
    { key: "white", title: say("insight.whiteScreens"), right: true, render: (row) => row.white_screens },
    { key: "script", title: say("insight.scriptErrors"), right: true, render: (row) => row.script_errors },
    { key: "resources", title: say("insight.resources"), right: true, render: (row) => row.resources_failed },
    { key: "csp", title: say("insight.refused"), right: true, render: (row) => row.csp_refused },
  ];
}

type ErrorRow = Schemas["ErrorView"];

export function useAppErrors(app: string) {
  const params = { path: { app }, query: { limit: 100 } };
  return query.useQuery("get", "/insight/apps/{app}/errors", { params }, { enabled: app !== "" });
}

const KINDS: Readonly<Record<string, TextKey>> = {
  script_error: "insight.kindScript",
  resource_failed: "insight.kindResource",
  csp_refused: "insight.kindPolicy",
};

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
          <div className="strong">{row.message || say("insight.otherErrors")}</div>
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
    { key: "kind", title: say("system.kind"), render: (row) => say(KINDS[row.kind] ?? "insight.kindOther") },
    { key: "count", title: say("insight.times"), right: true, render: (row) => row.count },
    { key: "devices", title: say("insight.devices"), right: true, render: (row) => row.devices },
    {
      key: "versions",
      title: say("apps.versions"),
      render: (row) =>
        row.versions.map((item) => (
          <div key={item.sequence}>
            <Version of={item} /> <span className="muted">× {item.count}</span>
          </div>
        )),
      nowrap: true,
    },
    { key: "first", title: say("insight.firstSeen"), render: (row) => <Time ms={row.first_ms} />, nowrap: true },
    { key: "last", title: say("insight.lastSeen"), render: (row) => <Time ms={row.last_ms} />, nowrap: true },
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
