/** The small words of switches: their state, a variant with its value, and who gets what part. */

import { Tag } from "../../design/Small";
import type { Tone } from "../../design/tokens";
import { useText } from "../../i18n";
import { percent } from "../../rules/ruleWords";
import { type Definition, PLACES, placesOf, type Share } from "./definition";
import "./switches.css";

export const STATES = ["draft", "active", "archived"] as const;
const TONES: Record<string, Tone> = { draft: "neutral", proposed: "info", active: "good", archived: "neutral" };

/** Returns the tone of a switch's or an edition's state. */
export const toneOfSwitch = (state: string): Tone => TONES[state] ?? "neutral";

export function SwitchState({ state }: { state: string }) {
  const { sayOr } = useText();
  return <Tag tone={toneOfSwitch(state)}>{sayOr(`switches.state_${state}`, state)}</Tag>;
}

/** A variant's name, and its value where that says more. */
export function Variant({ name, of: definition, isDefault }: { name: string; of: Definition; isDefault?: boolean }) {
  const value = definition.variants[name];
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return (
    <span className={isDefault ? "variant default" : "variant"}>
      <span className="strong">{name}</span>
      {text === undefined || text === name ? null : <code title={text}>{text}</code>}
    </span>
  );
}

/** How a rule divides its people: a bar, and beside it each part. */
export function Split({ split, of: definition }: { split: readonly Share[]; of: Definition }) {
  const { say } = useText();
  const rest = PLACES - placesOf(split);
  return (
    <div className="split">
      <div className="split-bar" aria-hidden="true">
        {split.map((each, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts have their order and may name one variant twice
          <i key={n} className={`part-${n % 4}`} style={{ width: `${each.share / 100}%` }} />
        ))}
      </div>
      <ul className="split-parts">
        {split.map((each, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: as above
          <li key={n}>
            <i className={`part-${n % 4}`} aria-hidden="true" />
            <span className="num">{percent(each.share)}</span> <Variant name={each.variant} of={definition} />
          </li>
        ))}
        {rest > 0 ? <li className="muted small">{say("switches.splitRest", { share: percent(rest) })}</li> : null}
      </ul>
    </div>
  );
}
