/** How many devices got how far with a release. */

import { query } from "../../api/client";
import { Panel } from "../../design/Blocks";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";

const STAGES = ["offered", "downloaded", "verified", "installed", "booted", "failed"] as const;

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
                const count = furthest[stage] ?? 0;
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
