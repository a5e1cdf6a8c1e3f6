/** How a release is judged: what its devices reported, how many failures are allowed, and what follows from it. */

import { lazy, Suspense } from "react";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import type { ReleaseDetail } from "../../api/types";
import { Note, Panel, Tile } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { Time } from "../../design/Small";
import { Fetch } from "../../design/States";
import type { Tone } from "../../design/tokens";
import { useText } from "../../i18n";
import { type Verdict, verdictOf } from "./judge";

type Progress = components["schemas"]["ProgressOut"];
type Look = components["schemas"]["LookOut"];

const GateChart = lazy(() => import("./GateChart"));
const EVERY_MS = 15_000;
const TONES: Readonly<Record<Verdict, Tone>> = { waiting: "info", person: "warn", healthy: "good", broken: "bad" };

/** Asks how a release is judged, while it runs again and again; of one that never ran nothing. */
export function useProgress(release: ReleaseDetail | undefined) {
  const params = { path: { release_id: release?.id ?? "" } };
  const refetchInterval = release?.state === "running" && EVERY_MS;
  const enabled = release !== undefined && isBegun(release);
  return query.useQuery("get", "/releases/{release_id}/progress", { params }, { refetchInterval, enabled });
}

/** Whether a release runs or ran; before that nothing is known of it. */
export const isBegun = ({ state }: ReleaseDetail) => !["draft", "submitted", "approved"].includes(state);

/** Whether it ended before it was complete; no stage is the present one then, and nobody decides any more. */
export const isEnded = ({ state }: ReleaseDetail) => ["stopped", "rolled_back"].includes(state);

export function Gate({ release }: { release: ReleaseDetail }) {
  const { say } = useText();
  const found = useProgress(release);
  const isWatched = release.stages.some((stage) => stage.gate);
  const isShown = isWatched && isBegun(release);
  return (
    <Panel title={say("releases.gate")} hint={isShown ? say("releases.gateHint") : null}>
      {isShown ? (
        <Fetch of={found} lines={4}>
          {(progress) => <Judged progress={progress} isOver={isEnded(release) || release.state === "completed"} />}
        </Fetch>
      ) : (
        <span className="muted">{say(isWatched ? "releases.gateNotYet" : "releases.gateNone")}</span>
      )}
    </Panel>
  );
}

function Judged({ progress, isOver }: { progress: Progress; isOver: boolean }) {
  const { say, language } = useText();
  const { looks, sample, limits, healthy_ppm, failing_ppm, before_devices, before_failures } = progress;
  const last = looks.at(-1);
  const verdict = verdictOf(progress);
  const left = Math.max(0, (sample ?? 0) - (last?.devices ?? 0));
  const rate = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-GB", {
    style: "percent",
    maximumFractionDigits: 2,
  });
  const share = (ppm: number | null) => (ppm === null ? "—" : rate.format(ppm / 1_000_000));
  const isKnown = sample !== null; // else the bounds are those of no knowledge, and say nothing unless they are broken
  const hasBounds = isKnown || verdict === "broken";
  const said = () => {
    if (isOver && verdict === "person") return say("releases.verdictNone_person");
    if (isOver && verdict === "waiting") return say("releases.verdictNone_waiting");
    return say(`releases.verdict_${verdict}`, { n: left });
  };
  return (
    <div className="stack">
      <Note tone={TONES[verdict]}>{said()}</Note>
      <div className="gate-tiles">
        <Tile
          label={say("releases.seenDevices")}
          value={last?.devices ?? 0}
          under={isKnown ? say("releases.seenOf", { n: sample }) : isOver ? undefined : say("releases.seenNoSample")}
          tone={isKnown && left === 0 ? "good" : "info"}
        />
        <Tile
          label={say("releases.seenFailures")}
          value={last?.failures ?? 0}
          under={hasBounds ? say("releases.seenMost", { n: last?.most ?? limits[0]?.most ?? 0 }) : undefined}
          tone={verdict === "broken" ? "bad" : "neutral"}
        />
        {isKnown ? (
          <>
            <Tile
              label={say("releases.healthyRate")}
              value={share(healthy_ppm)}
              under={
                before_devices > 0
                  ? say("releases.healthyFrom", { devices: before_devices, failures: before_failures })
                  : say("releases.healthyNone")
              }
            />
            <Tile label={say("releases.failingRate")} value={share(failing_ppm)} under={say("releases.failingHint")} />
          </>
        ) : null}
      </div>
      {hasBounds && limits.length > 0 ? (
        <Suspense fallback={<div style={{ height: 280 }} />}>
          <GateChart limits={limits} looks={looks} sample={sample} />
        </Suspense>
      ) : null}
      {looks.length > 0 ? <Looks looks={looks} /> : null}
    </div>
  );
}

function Looks({ looks }: { looks: readonly Look[] }) {
  const { say, sayOr } = useText();
  const { rows, pages } = useLocalPages(looks.toReversed(), looks.length, 8);
  const columns: Column<Look>[] = [
    { key: "at", title: say("releases.at"), render: (row) => <Time ms={row.at_ms} absolute />, nowrap: true },
    { key: "stage", title: say("releases.stages"), right: true, render: (row) => row.stage + 1 },
    { key: "devices", title: say("releases.devices"), right: true, render: (row) => row.devices },
    { key: "failures", title: say("releases.failed"), right: true, render: (row) => `${row.failures} / ${row.most}` },
    { key: "why", title: say("releases.why"), render: (row) => sayOr(`releases.why_${row.why}`, row.why) },
  ];
  return (
    <details>
      <summary className="small muted">{say("releases.looks")}</summary>
      <PageTable
        label={say("releases.looks")}
        columns={columns}
        rows={rows}
        rowKey={(row) => String(row.at_ms)}
        pages={pages}
      />
    </details>
  );
}
