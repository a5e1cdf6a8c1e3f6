/** A switch as the server has it, as the form has it, and where in the form a refusal stands. Pure. */

import { Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { EVERYBODY, missingIn, type Rule } from "../../rules/rules";

export type Switch = components["schemas"]["SwitchOut"];
export const TYPES = ["boolean", "string", "integer", "float", "object"] as const;
export type Type = (typeof TYPES)[number];
export type Share = { variant: string; share: number };
export type SwitchRule = { audience: Rule; variant?: string; split?: Share[] };
export type Definition = {
  key: string;
  type: Type;
  title: string;
  variants: Record<string, unknown>;
  default: string;
  by: "device" | "customer";
  rules: SwitchRule[];
  /** The mini-apps that may read it; `*` is every one. */
  apps?: string[];
};

/** What is entered: a value is text, but for a boolean and a number; an object is JSON. */
export type Entered = string | number | boolean | null;
export type VariantValues = { name: string; value: Entered };
export type ShareValues = { variant: string | null; share: number | null };
export type RuleValues = { audience: Rule; gives: "one" | "split"; variant: string | null; split: ShareValues[] };
export type Values = {
  key: string;
  type: Type;
  title: string;
  by: "device" | "customer";
  variants: VariantValues[];
  default: string | null;
  rules: RuleValues[];
  apps: string;
  note: string;
};

export const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const PLACES = 10_000;

/** Returns the definition that the server sent. */
export const definitionOf = (found: Switch) => found.definition as Definition;

/** Returns what a switch of a type begins with. */
export function firstVariants(type: Type): VariantValues[] {
  switch (type) {
    case "boolean":
      return [
        { name: "on", value: true },
        { name: "off", value: false },
      ];
    case "string":
      return [
        { name: "first", value: "" },
        { name: "second", value: "" },
      ];
    case "object":
      return [
        { name: "first", value: "{}" },
        { name: "second", value: "{}" },
      ];
    default:
      return [
        { name: "normal", value: null },
        { name: "high", value: null },
      ];
  }
}

export const newRule = (variant: string | null): RuleValues => ({
  audience: EVERYBODY,
  gives: "one",
  variant,
  split: [{ variant, share: 1000 }],
});

export const FIRST: Values = {
  key: "",
  type: "boolean",
  title: "",
  by: "device",
  variants: firstVariants("boolean"),
  default: "off",
  rules: [],
  apps: "",
  note: "",
};

export function valuesOf(found: Definition): Values {
  return {
    key: found.key ?? "",
    type: TYPES.find((type) => type === found.type) ?? "boolean",
    title: found.title ?? "",
    by: found.by === "customer" ? "customer" : "device",
    variants: Object.entries(found.variants ?? {}).map(([name, value]) => ({ name, value: entered(value) })),
    default: found.default ?? null,
    rules: (found.rules ?? []).map((rule) => ({
      audience: rule.audience ?? EVERYBODY,
      gives: rule.split ? "split" : "one",
      variant: rule.variant ?? rule.split?.[0]?.variant ?? null,
      split: rule.split?.map((each) => ({ ...each })) ?? [{ variant: rule.variant ?? null, share: 1000 }],
    })),
    apps: (found.apps ?? []).join(" "),
    note: "",
  };
}

/** Returns the definition of what was entered; what is no JSON object stays a text, which the server refuses. */
export function definitionIn(values: Values): Definition {
  const value = ({ value: said }: VariantValues) =>
    values.type === "object" ? (objectIn(String(said ?? "")) ?? String(said ?? "")) : said;
  const apps = values.apps.split(/[\s,，]+/).filter(Boolean);
  return {
    ...(apps.length > 0 ? { apps } : {}),
    key: values.key.trim(),
    type: values.type,
    title: values.title.trim(),
    variants: Object.fromEntries(values.variants.map((each) => [each.name.trim(), value(each)])),
    default: values.default ?? "",
    by: values.by,
    rules: values.rules.map(({ audience, gives, variant, split }) =>
      gives === "one"
        ? { audience, variant: variant ?? "" }
        : { audience, split: split.map((each) => ({ variant: each.variant ?? "", share: each.share ?? 0 })) },
    ),
  };
}

/** Returns the object of a JSON text, or null. */
export function objectIn(text: string): Record<string, unknown> | null {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null && !Array.isArray(found)
      ? (found as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Returns how many of the places a split gives away. */
export const placesOf = (split: readonly { share: number | null }[]) =>
  split.reduce((sum, each) => sum + (each.share ?? 0), 0);

/** Whether the audience of a rule is whole. */
export const isWhole = (rule: Rule) => missingIn(rule) === null;

/**
 * Returns a refusal with its place as the field's: the server names it in `at`, `rules[0].split[1].share` or
 * `variants.on`; the form knows variants by their number.
 */
export function placed(problem: Problem, values: Pick<Values, "variants">): Problem {
  if (problem.at === "" || !["bad_switch", "bad_rule"].some((code) => problem.code === code || isRule(problem.code)))
    return problem;
  const [, name] = /^variants\.(.+)$/.exec(problem.at) ?? [];
  const n = name === undefined ? -1 : values.variants.findIndex((each) => each.name.trim() === name);
  const at = n < 0 ? problem.at : `variants[${n}].value`;
  const error = { field: `body.definition.${at}`, message: problem.detail, code: problem.code };
  return new Problem(problem.status, problem.code, problem.detail, problem.traceId, [error], undefined, problem.at);
}

const isRule = (code: string) => code.startsWith("rule_");

/** Returns the place within the audience of rule `n`, as its editor names it, or null. */
export function placeInRule(at: string, n: number): string | null {
  const start = `rules[${n}].audience`;
  return at.startsWith(start) ? `rule${at.slice(start.length)}` : null;
}

/** Returns the field that a place of the whole body stands at. */
export function fieldOf(path: (string | number)[]): (string | number)[] {
  const [first, ...rest] = path;
  if (first !== "definition") return path;
  if (rest.length === 0) return ["title"];
  if (rest[0] === "apps") return ["apps"];
  if (rest.length === 1 && rest[0] === "variants") return ["variants", 0, "value"];
  if (rest.length === 2 && rest[0] === "rules") return [...rest, "variant"];
  if (rest[0] === "rules" && rest[2] === "split" && rest.length === 3) return [...rest, 0, "share"];
  return rest;
}

function entered(value: unknown): Entered {
  if (typeof value === "object") return JSON.stringify(value, null, 2);
  return value as Entered;
}
