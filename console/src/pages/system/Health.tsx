/** What the server says about its own parts. */

import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { Tag } from "../../design/Small";
import type { Tone } from "../../design/tokens";
import { pick, useText } from "../../i18n";

const TONES: Record<string, Tone> = { info: "good", warning: "warn", error: "bad" };

export function Health({ items }: { items: readonly components["schemas"]["HealthView"][] }) {
  const { say, language } = useText();
  if (items.length === 0) return null;
  return (
    <Panel title={say("system.health")}>
      <div className="stack tight">
        {items.map((item) => (
          <div key={item.name} className="row">
            <Tag tone={TONES[item.severity] ?? "neutral"}>{item.name}</Tag>
            <span className="wrap">{pick(language, item)}</span>
          </div>
        ))}
      </div>
    </Panel>
  );
}
