/** How an app is used: the numbers that matter, and how they went day by day. */

import type { ReactNode } from "react";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Panel, Tile } from "../../design/Blocks";
import { Empty, Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { Way } from "../releases/Delivery";
import { DayChart, type Series } from "./DayChart";
import { percentText, spanText } from "./numbers";
import "./insight.css";

type Schemas = components["schemas"];
const SHOWN = 4;

export function useSummary(app: string, days: number) {
  return query.useQuery("get", "/insight/summary", { params: { query: { app, days } } }, { enabled: app !== "" });
}

export function useAdoption(app: string, days: number) {
  const params = { path: { app }, query: { days } };
  return query.useQuery("get", "/insight/apps/{app}/adoption", { params }, { enabled: app !== "" });
}

export function useVersionFunnels(app: string, days: number) {
  const params = { path: { app }, query: { days } };
  return query.useQuery("get", "/insight/apps/{app}/funnels", { params }, { enabled: app !== "" });
}

/** The first line of the page. */
export function Numbers({ of: found }: { of: Schemas["SummaryView"] }) {
  const { say } = useText();
  const { success, hits, start, latency } = found;
  const span = (ms: number | null) => (ms === null ? "—" : spanText(ms));
  const part = ({ of, number }: Schemas["ShareView"]) =>
    of === 0 ? say("insight.noneYet") : `${number.toLocaleString()} / ${of.toLocaleString()}`;
  return (
    <div className="tiles">
      <Tile
        label={say("insight.activeDay")}
        value={found.active_day.toLocaleString()}
        under={say("insight.activeUnder", {
          week: found.active_week.toLocaleString(),
          month: found.active_month.toLocaleString(),
        })}
      />
      <Tile label={say("insight.success")} value={percentText(success.rate)} under={part(success)} />
      <Tile label={say("insight.hits")} value={percentText(hits.rate)} under={part(hits)} />
      <Tile
        label={say("insight.start")}
        value={span(start.p50_ms)}
        under={
          start.boots === 0
            ? say("insight.noneYet")
            : say("insight.startUnder", { p90: span(start.p90_ms), p95: span(start.p95_ms) })
        }
      />
      <Tile
        label={say("insight.latency")}
        value={span(latency.offered_p50_ms)}
        under={
          latency.online === 0
            ? say(latency.devices === 0 ? "insight.latencyNone" : "insight.latencyOffline")
            : say("insight.latencyUnder", { p95: span(latency.offered_p95_ms), n: latency.online })
        }
      />
    </div>
  );
}

export function Adoption({ of: { days, versions } }: { of: Schemas["AdoptionView"] }) {
  const { say } = useText();
  const apart = versions.slice(0, versions.length > SHOWN + 1 ? SHOWN : SHOWN + 1);
  const rest = versions.slice(apart.length);
  const of = (sequence: number) => days.map((day) => day.by_sequence[String(sequence)] ?? 0);
  const series: Series[] = apart.map(({ sequence, version }) => ({
    key: String(sequence),
    name: version || `#${sequence}`,
    values: of(sequence),
  }));
  if (rest.length > 0) {
    const values = days.map((day) =>
      rest.reduce((sum, { sequence }) => sum + (day.by_sequence[String(sequence)] ?? 0), 0),
    );
    series.push({ key: "rest", name: say("insight.earlier", { n: rest.length }), values });
  }
  return (
    <Panel title={say("insight.adoption")} hint={say("insight.adoptionHint")}>
      {series.length === 0 ? (
        <Empty title={say("insight.noDevices")} hint={say("insight.noDevicesHint")} />
      ) : (
        <DayChart title={say("insight.adoption")} kind="stack" days={days.map(({ at_ms }) => at_ms)} series={series} />
      )}
    </Panel>
  );
}

export function Activity({ of: { days, retention } }: { of: Schemas["SummaryView"] }) {
  const { say } = useText();
  const at = days.map(({ at_ms }) => at_ms);
  const old = days.map((day) => day.active - day.newcomers);
  const isEmpty = days.every(({ active }) => active === 0);
  return (
    <>
      <div className="columns even">
        <Panel title={say("insight.active")} hint={say("insight.byDay")}>
          {isEmpty ? (
            <Nothing />
          ) : (
            <DayChart
              title={say("insight.active")}
              kind="stack"
              days={at}
              series={[
                { key: "old", name: say("insight.returning"), values: old },
                { key: "new", name: say("insight.newcomers"), values: days.map(({ newcomers }) => newcomers) },
              ]}
            />
          )}
        </Panel>
        <Panel title={say("insight.startTimes")} hint={say("insight.byDay")}>
          {days.every(({ start }) => start.boots === 0) ? (
            <Nothing />
          ) : (
            <DayChart
              title={say("insight.startTimes")}
              kind="lines"
              days={at}
              show={spanText}
              series={(["p50", "p90", "p95"] as const).map((name) => ({
                key: name,
                name: name.toUpperCase(),
                values: days.map(({ start }) => start[`${name}_ms`]),
              }))}
            />
          )}
        </Panel>
      </div>
      <Panel title={say("insight.retention")} hint={say("insight.retentionHint")}>
        <dl className="kept">
          {retention.map((kept) => (
            <div key={kept.days}>
              <dt>{say("insight.keptAfter", { n: kept.days })}</dt>
              <dd className="rate">{percentText(kept.rate)}</dd>
              <dd className="small muted">
                {kept.newcomers === 0
                  ? say("insight.noneYet")
                  : `${kept.kept.toLocaleString()} / ${kept.newcomers.toLocaleString()}`}
              </dd>
            </div>
          ))}
        </dl>
      </Panel>
    </>
  );
}

function Nothing() {
  const { say } = useText();
  return <span className="muted">{say("insight.noDevices")}</span>;
}

/** How far the last versions have come. */
export function Versions({ of }: { of: ReturnType<typeof useVersionFunnels> }) {
  const { say } = useText();
  const one = (version: Schemas["VersionFunnel"]): ReactNode => (
    <section key={version.sequence} aria-label={version.version}>
      <h3 style={{ marginBottom: 8 }}>
        {version.version} <span className="num muted">#{version.sequence}</span>
      </h3>
      <Way steps={version.steps} />
    </section>
  );
  return (
    <Panel title={say("insight.versionsWay")} hint={say("insight.versionsWayHint")}>
      <Fetch of={of} lines={3}>
        {({ versions }) =>
          versions.length === 0 ? <Nothing /> : <div className="columns even">{versions.slice(0, SHOWN).map(one)}</div>
        }
      </Fetch>
    </Panel>
  );
}
