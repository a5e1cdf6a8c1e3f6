/** Audience rules in words, as far as the console makes them: lists of tiers. */

import type { Tier } from "../../api/types";
import { TIERS } from "../../api/types";
import { useText } from "../../i18n";

/** Returns the tiers of a rule, or null when it is a rule of another form. */
export function tiersOf(rule: unknown): Tier[] | null {
  const { attr, op, values } = (rule ?? {}) as Record<string, unknown>;
  if (attr !== "tier" || op !== "in" || !Array.isArray(values)) return null;
  return TIERS.filter((tier) => values.includes(tier));
}

export function ruleOf(tiers: readonly Tier[]): Record<string, unknown> {
  return { attr: "tier", op: "in", values: TIERS.filter((tier) => tiers.includes(tier)) };
}

/** Returns a function that turns a rule, written as JSON, into words; other texts stay as they are. */
export function useRuleWords(): (text: string) => string {
  const { say, language } = useText();
  return (text) => {
    if (!text.startsWith("{")) return text;
    try {
      const tiers = tiersOf(JSON.parse(text));
      return tiers ? tiers.map((tier) => say(`tiers.${tier}`)).join(language === "zh" ? "、" : ", ") : text;
    } catch {
      return text;
    }
  };
}
