/** The figures at the top, each a way to its page. */

import type { App, Change, Release, Tree, Version } from "../../api/types";
import { Tile } from "../../design/Blocks";
import { Time } from "../../design/Small";
import { useText } from "../../i18n";
import type { WaitingHotfix } from "../hotfixes/words";

export function Tiles(props: {
  reviews: readonly Version[] | undefined;
  hotfixes: readonly WaitingHotfix[];
  changes: readonly Change[] | undefined;
  toDecide: number;
  releases: readonly Release[] | undefined;
  apps: readonly App[] | undefined;
  trees: readonly Tree[] | undefined;
}) {
  const { say } = useText();
  const { reviews, hotfixes, changes, toDecide, releases, apps, trees } = props;
  const running = releases?.filter((item) => item.state === "running").length ?? 0;
  const paused = releases?.filter((item) => item.state === "paused").length ?? 0;
  const drafts = releases?.filter((item) => item.state === "draft").length ?? 0;
  const published = apps?.filter((item) => item.published).length ?? 0;
  const since = [...(reviews?.map((item) => item.submitted_ms) ?? []), ...hotfixes.map((item) => item.since)];
  return (
    <div className="tiles">
      {reviews ? (
        <Tile
          label={say("overview.inReview")}
          value={since.length}
          under={
            since.length ? (
              <>
                {say("overview.oldest")} <Time ms={Math.min(...since)} />
              </>
            ) : (
              say("overview.noneWaits")
            )
          }
          tone={since.length ? "warn" : "good"}
          to="/reviews"
        />
      ) : null}
      {changes ? (
        <Tile
          label={say("overview.waitingChanges")}
          value={changes.length}
          under={
            toDecide
              ? say("overview.forYou", { n: toDecide })
              : say(changes.length ? "overview.notForYou" : "overview.noneWaits")
          }
          tone={toDecide ? "warn" : "good"}
          to="/changes?state=proposed"
        />
      ) : null}
      {releases ? (
        <Tile
          label={say("overview.running")}
          value={running}
          under={paused ? say("overview.paused", { n: paused }) : say("overview.drafts", { n: drafts })}
          tone={paused ? "warn" : "info"}
          to="/releases?state=running"
        />
      ) : null}
      {apps ? (
        <Tile
          label={say("overview.apps")}
          value={apps.length}
          under={say("overview.published", { n: published })}
          tone="info"
          to="/apps"
        />
      ) : null}
      {trees ? <TrustTile trees={trees} /> : null}
    </div>
  );
}

function TrustTile({ trees }: { trees: readonly Tree[] }) {
  const { say } = useText();
  const isGood = trees.every((tree) => tree.is_up_to_date && tree.roles.every((role) => !role.is_due));
  const next = Math.min(
    ...trees.flatMap((tree) => tree.roles.filter((role) => role.signer !== "server").map((role) => role.expires_ms)),
  );
  return (
    <Tile
      label={say("overview.trust")}
      value={<span className="words">{say(isGood ? "overview.trustGood" : "overview.trustBad")}</span>}
      under={
        Number.isFinite(next) ? (
          <>
            {say("overview.nextExpiry")} <Time ms={next} />
          </>
        ) : (
          say("overview.notStarted")
        )
      }
      tone={isGood ? "good" : "bad"}
      to="/trust"
    />
  );
}
