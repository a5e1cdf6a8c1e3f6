/** Audience rules as the editor holds them: a tree with keys, made from a rule and written back as one. Pure. */

import type { Tier } from "../api/types";
import { TIERS } from "../api/types";

export type Rule = Record<string, unknown>;
export type Kind = "all" | "any" | "none";
export type Value = string | number;
export type Condition = { key: number; attr: string; op: string; values: Value[] };
export type Group = { key: number; kind: Kind; parts: Node[] };
export type Node = Condition | Group;

export const EVERYBODY: Rule = { attr: "tier", op: "in", values: [...TIERS] };

let last = 0;
/** Returns a key that no other part has; React tells the parts apart by it. */
export const newKey = () => ++last;
export const isGroup = (node: Node): node is Group => "parts" in node;

/** Returns the tiers of a rule, or null when it is a rule of another form. */
export function tiersOf(rule: unknown): Tier[] | null {
  const { attr, op, values } = (rule ?? {}) as Record<string, unknown>;
  if (attr !== "tier" || op !== "in" || !Array.isArray(values)) return null;
  return TIERS.filter((tier) => values.includes(tier));
}

export function ruleOf(tiers: readonly Tier[]): Rule {
  return { attr: "tier", op: "in", values: TIERS.filter((tier) => tiers.includes(tier)) };
}

/** Returns the rule that means a tier and all above it. */
export const tiersFrom = (lowest: Tier): Rule => ruleOf(TIERS.slice(TIERS.indexOf(lowest)));

/** Returns a rule as the editor shows it; what it cannot read is an empty group. */
export function nodeOf(rule: unknown): Node {
  const found = (rule ?? {}) as Rule;
  const key = newKey();
  if (Array.isArray(found.all)) return { key, kind: "all", parts: found.all.map(nodeOf) };
  if (Array.isArray(found.any)) return { key, kind: "any", parts: found.any.map(nodeOf) };
  if (typeof found.not === "object" && found.not !== null) {
    const { any } = found.not as Rule;
    return { key, kind: "none", parts: Array.isArray(any) ? any.map(nodeOf) : [nodeOf(found.not)] };
  }
  if (typeof found.attr === "string" && typeof found.op === "string" && Array.isArray(found.values))
    return { key, attr: found.attr, op: found.op, values: found.values.filter(isValue) };
  return { key, kind: "all", parts: [] };
}

/** Returns a rule as a group, so that the editor can add to it. */
export function groupOf(rule: unknown): Group {
  const node = nodeOf(rule);
  return isGroup(node) ? node : { key: newKey(), kind: "all", parts: [node] };
}

export function written(node: Node): Rule {
  if (!isGroup(node)) return { attr: node.attr, op: node.op, values: node.values };
  const parts = node.parts.map(written);
  if (node.kind === "none") return { not: { any: parts } };
  return node.kind === "all" ? { all: parts } : { any: parts };
}

/** Returns where a part of a group stands in the written rule, as the server names it: `rule.all[0].not.any[2]`. */
export function placeIn(group: Group, at: string, n: number): string {
  return group.kind === "none" ? `${at}.not.any[${n}]` : `${at}.${group.kind}[${n}]`;
}

/** Returns the first place of a rule where something is still to be entered, or null. */
export function missingIn(rule: unknown, at = "rule"): string | null {
  const { all, any, not, values } = (rule ?? {}) as Rule;
  if (not !== undefined) return missingIn(not, `${at}.not`);
  const [word, parts] = Array.isArray(all) ? ["all", all] : ["any", any];
  if (Array.isArray(parts)) {
    if (parts.length === 0) return at;
    return parts.reduce<string | null>((found, part, n) => found ?? missingIn(part, `${at}.${word}[${n}]`), null);
  }
  const isEntered = Array.isArray(values) && values.length > 0 && values.every((value) => value !== "");
  return isEntered ? null : at;
}

function isValue(value: unknown): value is Value {
  return typeof value === "string" || typeof value === "number";
}
