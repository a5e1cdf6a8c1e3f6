/** Which attributes rules may look at, by which operators, with which values: read from the schema of rules. */

import { useMemo } from "react";
import { query } from "../api/client";

export type Kind = "tier" | "share" | "moment" | "tag" | "audience" | "text";
export type Form = { op: string; kind: Kind; least: number; most: number; choices: readonly string[] };
export type Forms = ReadonlyMap<string, readonly Form[]>;

type Schema = Record<string, unknown>;

/** Returns the operators of each attribute; what the schema says otherwise than expected is left out. Pure. */
export function formsOf(schema: unknown): Forms {
  const found = new Map<string, Form[]>();
  for (const one of asList(dig(schema, "$defs", "rule", "oneOf"))) {
    const attr = dig(one, "properties", "attr", "const");
    const op = dig(one, "properties", "op", "const");
    if (typeof attr !== "string" || typeof op !== "string") continue;
    const values = dig(one, "properties", "values");
    const choices = asList(dig(values, "items", "enum")).filter((each) => typeof each === "string");
    const form: Form = {
      op,
      kind: kindOf(attr, dig(values, "items") as Schema),
      least: Number(dig(values, "minItems") ?? 1),
      most: Number(dig(values, "maxItems") ?? 1),
      choices,
    };
    found.set(attr, [...(found.get(attr) ?? []), form]);
  }
  return found;
}

/** Whether what rules are made of is known, so that an editor is drawn at once. */
export function useHasForms(): boolean {
  const { forms, error } = useRuleForms();
  return forms !== undefined || error !== null;
}

export function useRuleForms(): { forms: Forms | undefined; error: unknown } {
  const found = query.useQuery("get", "/audience/schema", {}, { staleTime: Number.POSITIVE_INFINITY });
  const forms = useMemo(() => (found.data ? formsOf(found.data) : undefined), [found.data]);
  return { forms, error: found.error };
}

function kindOf(attr: string, item: Schema | undefined): Kind {
  if (attr === "tag" || attr === "audience") return attr;
  if (Array.isArray(item?.enum)) return "tier";
  if (item?.type === "integer") return "share";
  return Array.isArray(item?.anyOf) ? "moment" : "text";
}

function dig(value: unknown, ...names: string[]): unknown {
  return names.reduce<unknown>((found, name) => (found as Schema | undefined)?.[name], value);
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
