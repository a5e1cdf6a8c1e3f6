/** How a hotfix does on devices: how many run it, how far its releases came, and what went wrong day by day. */

import { query } from "../../api/client";
import type { ReleaseDetail } from "../../api/types";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { useAppHealth } from "../insight/AppHealth";
import { DayChart } from "../insight/DayChart";
import { Delivery } from "../releases/Delivery";
import { Gate, isBegun } from "../releases/Gate";
import { daysOf } from "./days";
import { deliverableOf, type HotfixDetail } from "./words";

/** How many devices run it. */
export function Adoption({ of: { devices } }: { of: HotfixDetail }) {
  const { say } = useText();
  return (
    <Panel title={say("hotfixes.runningOn")} hint={say("hotfixes.devicesRunningHint")}>
      <div className="small num">{say("hotfixes.devicesRunning", { n: devices })}</div>
    </Panel>
  );
}

/** Opens and failures by day; devices report them by the digest of the package, so each hotfix has its own. */
export function Crashes({ of: { app, sequence, n } }: { of: HotfixDetail }) {
  const { say } = useText();
  const found = useAppHealth(deliverableOf(app, sequence));
  return (
    <Panel title={say("hotfixes.health")} hint={say("hotfixes.healthHint")}>
      <Fetch of={found} lines={4}>
        {({ versions, from_ms }) => {
          const own = versions.find((each) => each.sequence === n);
          if (!own) return <span className="muted">{say("hotfixes.healthNone")}</span>;
          const { days, of } = daysOf(own.points, from_ms, Date.now());
          return (
            <DayChart
              title={say("hotfixes.health")}
              kind="lines"
              days={days}
              series={[
                { key: "opens", name: say("hotfixes.opens"), values: of("opens") },
                { key: "scripts", name: say("hotfixes.scripts"), values: of("script_errors") },
                { key: "whites", name: say("hotfixes.whites"), values: of("white_screens") },
                { key: "resources", name: say("hotfixes.resources"), values: of("resources_failed") },
              ]}
            />
          );
        }}
      </Fetch>
    </Panel>
  );
}

/** How far each release of it came, and what its gate saw; the newest stands open. */
export function ReleasesOf({ of: { releases } }: { of: HotfixDetail }) {
  return releases.map((each) => <OneRelease key={each.id} id={each.id} />);
}

function OneRelease({ id }: { id: string }) {
  const { may } = useSession();
  const found = query.useQuery(
    "get",
    "/releases/{release_id}",
    { params: { path: { release_id: id } } },
    { enabled: may("release:read", {}) },
  );
  const isShown = (release: ReleaseDetail | undefined): release is ReleaseDetail =>
    release !== undefined && isBegun(release);
  if (!isShown(found.data)) return null;
  return (
    <>
      {may("insight:read") ? <Delivery release={id} /> : null}
      {found.data.stages.some((stage) => stage.gate) ? <Gate release={found.data} /> : null}
    </>
  );
}
