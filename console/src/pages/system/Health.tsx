/** What the server says about its own parts. */

import { CheckCircleFilled, CloseCircleFilled, ExclamationCircleFilled } from "@ant-design/icons";
import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { Tag } from "../../design/Small";
import { pick, useText } from "../../i18n";

type Line = components["schemas"]["HealthView"];

const SIGNS: Record<string, typeof CheckCircleFilled> = { warning: ExclamationCircleFilled, error: CloseCircleFilled };
const TONES: Record<string, string> = { warning: "warn", error: "bad" };

export function Health({ items }: { items: readonly Line[] }) {
  const { say, language } = useText();
  if (items.length === 0) return null;
  const isWell = items.every((item) => item.severity === "info");
  return (
    <Panel
      title={say("system.health")}
      extra={<Tag tone={isWell ? "good" : "warn"}>{say(isWell ? "system.allWell" : "system.notAllWell")}</Tag>}
    >
      <ul className="signs">
        {items.map((item) => {
          const Sign = SIGNS[item.severity] ?? CheckCircleFilled;
          return (
            <li key={item.name}>
              <Sign className={`sign-${TONES[item.severity] ?? "good"}`} aria-hidden="true" />
              <span className="wrap">{pick(language, item)}</span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
