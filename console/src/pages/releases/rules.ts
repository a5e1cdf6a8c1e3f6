/** Audience rules in words, as far as the console makes them: lists of tiers. */

import type { Tier } from "../../api/types";
import { TIERS } from "../../api/types";

/** Returns the tiers of a rule, or null when it is a rule of another form. */
export function tiersOf(rule: unknown): Tier[] | null {
  const { attr, op, values } = (rule ?? {}) as Record<string, unknown>;
  if (attr !== "tier" || op !== "in" || !Array.isArray(values)) return null;
  return TIERS.filter((tier) => values.includes(tier));
}

export function ruleOf(tiers: readonly Tier[]): Record<string, unknown> {
  return { attr: "tier", op: "in", values: TIERS.filter((tier) => tiers.includes(tier)) };
}
