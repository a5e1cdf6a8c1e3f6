/** How many devices came at least so far with a release, and on how many it failed. */

import { query } from "../../api/client";
import { Panel } from "../../design/Blocks";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";

const WAY = ["offered", "downloaded", "verified", "installed", "booted"] as const;
const STAGES = [...WAY, "failed"] as const;
type Stage = (typeof STAGES)[number];

/** A device is counted at its furthest stage; who booted it was offered it too. How far a failed one came is not told. */
function reached(stage: Stage, furthest: Readonly<Record<string, number>>): number {
  const later: readonly Stage[] =
    stage === "failed" ? [stage] : stage === "offered" ? STAGES : WAY.slice(WAY.indexOf(stage));
  return later.reduce((sum, each) => sum + (furthest[each] ?? 0), 0);
}

export function Delivery({ release, title }: { release: string; title?: string }) {
  const { say } = useText();
  const found = query.useQuery("get", "/insight/releases/{release_id}", { params: { path: { release_id: release } } });
  return (
    <Panel title={title ?? say("releases.delivery")} hint={title ? say("releases.delivery") : null}>
      <Fetch of={found} lines={3}>
        {({ devices, furthest }) =>
          devices === 0 ? (
            <span className="muted">{say("releases.deliveryNone")}</span>
          ) : (
            <div className="stack tight">
              {STAGES.map((stage) => {
                const count = reached(stage, furthest);
                return (
                  <div key={stage} className="row" style={{ flexWrap: "nowrap" }}>
                    <span style={{ width: 92 }} className="muted small">
                      {say(`releases.${stage}`)}
                    </span>
                    <div className="meter grow">
                      <i
                        style={{
                          width: `${(100 * count) / devices}%`,
                          background: stage === "failed" ? "var(--tone-bad-mark)" : undefined,
                        }}
                      />
                    </div>
                    <span className="num" style={{ width: 64, textAlign: "right" }}>
                      {count}
                    </span>
                  </div>
                );
              })}
            </div>
          )
        }
      </Fetch>
    </Panel>
  );
}
