/** A release's way to its devices: at each stage who came, who failed there, who waits there; the numbers add up. */

import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { spanText } from "../insight/numbers";
import "../insight/insight.css";

type Schemas = components["schemas"];
type Step = Schemas["StepView"];

export function Delivery({ release, title }: { release: string; title?: string }) {
  const { say } = useText();
  const params = { path: { release_id: release } };
  const found = query.useQuery("get", "/insight/releases/{release_id}/funnel", { params });
  return (
    <Panel title={title ?? say("releases.delivery")} hint={title ? say("releases.delivery") : null}>
      <Fetch of={found} lines={3}>
        {({ devices, steps, latency }) =>
          devices === 0 ? (
            <span className="muted">{say("releases.deliveryNone")}</span>
          ) : (
            <div className="stack">
              <Way steps={steps} />
              <Soon latency={latency} />
            </div>
          )
        }
      </Fetch>
    </Panel>
  );
}

/** The way itself, also a version's. */
export function Way({ steps }: { steps: readonly Step[] }) {
  const { say } = useText();
  const all = steps[0]?.devices ?? 0;
  const part = (count: number) => `${(100 * count) / Math.max(all, 1)}%`;
  return (
    <ol className="way">
      {steps.map(({ stage, devices, failed }) => (
        <li key={stage}>
          <span className="muted small">{say(`releases.${stage}`)}</span>
          <span className="way-bar" aria-hidden="true">
            <i style={{ width: part(devices - failed) }} />
            {failed > 0 ? <i className="bad" style={{ width: part(failed) }} /> : null}
          </span>
          <span className="num way-count">
            {devices.toLocaleString()}
            {all > 0 ? <span className="faint"> {Math.round((100 * devices) / all)} %</span> : null}
          </span>
          {failed > 0 ? <span className="small way-failed">{say("insight.failedHere", { n: failed })}</span> : null}
        </li>
      ))}
    </ol>
  );
}

function Soon({ latency }: { latency: Schemas["LatencyView"] }) {
  const { say } = useText();
  const { online, offered_p50_ms, offered_p95_ms } = latency;
  if (offered_p50_ms === null || offered_p95_ms === null) return null;
  return (
    <p className="small muted" style={{ margin: 0 }}>
      {say("insight.seenWithin", { n: online, half: spanText(offered_p50_ms), most: spanText(offered_p95_ms) })}
    </p>
  );
}
