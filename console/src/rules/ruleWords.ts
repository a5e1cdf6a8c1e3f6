/** Rules as people say them, in the language of the page. */

import { TIERS } from "../api/types";
import { shortDigest } from "../design/size";
import { shortTime } from "../design/time";
import { useText } from "../i18n";
import { useAudienceNames } from "./names";
import { type Rule, tiersOf, type Value } from "./rules";

const SHOWN = 6;

export type RuleWords = {
  rule: (rule: unknown) => string;
  attribute: (name: string) => string;
  op: (attribute: string, op: string) => string;
  condition: (attribute: string, op: string, values: readonly Value[]) => string;
  value: (attribute: string, value: Value) => string;
};

/** Returns the share of so many basis points, as in "12.5 %". */
export const percent = (basisPoints: number) => `${basisPoints / 100} %`;

export function useRuleWords(): RuleWords {
  const { say, sayOr, language } = useText();
  const audiences = useAudienceNames();
  const attribute = (name: string) => sayOr(`rules.attr_${name}`, name);
  const op = (name: string, verb: string) => sayOr(`rules.op_${name}_${verb}`, sayOr(`rules.op_${verb}`, verb));
  const list = (parts: readonly string[], type: "conjunction" | "disjunction") =>
    new Intl.ListFormat(language === "zh" ? "zh-CN" : "en-GB", { type }).format(parts);

  const value = (name: string, one: Value) => {
    if (name === "tier") return sayOr(`tiers.${one}`, String(one));
    if (name === "audience") return audiences.get(String(one)) ?? shortDigest(String(one));
    if (name === "percentage") return percent(Number(one));
    if ((name === "time" || name === "first_seen") && typeof one === "number") return shortTime(one, language);
    return String(one);
  };
  const condition = (name: string, verb: string, values: readonly Value[]) => {
    const shape = { attr: attribute(name), op: op(name, verb) };
    if (values.length === 0) return say("rules.condition", { ...shape, values: "…" });
    const said = values.slice(0, SHOWN).map((one) => value(name, one));
    if (values.length > SHOWN) said.push(say("rules.andMore", { n: values.length - SHOWN }));
    const isSpan = verb === "between";
    const shown = isSpan ? said.join("–") : list(said, verb === "has_all" ? "conjunction" : "disjunction");
    // In Chinese a space stands between its characters and others.
    const isLatin = language === "zh" && /^[!-~]/.test(shown);
    return say("rules.condition", { ...shape, values: isLatin ? ` ${shown}` : shown });
  };
  const rule = (found: unknown, isInner = false): string => {
    const { all, any, not, attr, op: verb, values } = (found ?? {}) as Rule;
    const tiers = tiersOf(found);
    if (tiers && !isInner && tiers.length === TIERS.length) return say("rules.everybody");
    if (Array.isArray(all) || Array.isArray(any)) {
      const parts = (Array.isArray(all) ? all : (any as unknown[])).map((part) => rule(part, true));
      if (parts.length === 0) return say(Array.isArray(all) ? "rules.everybody" : "rules.nobody");
      const joined = parts.join(say(Array.isArray(all) ? "rules.and" : "rules.or"));
      return isInner && parts.length > 1 ? say("rules.within", { text: joined }) : joined;
    }
    if (not !== undefined) return say("rules.not", { text: rule(not) });
    if (typeof attr === "string" && typeof verb === "string" && Array.isArray(values))
      return condition(attr, verb, values as Value[]);
    return JSON.stringify(found);
  };
  return { rule: (found) => rule(found), attribute, op, condition, value };
}
