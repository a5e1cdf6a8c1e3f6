/** Rules, stages and schedules as people say them, in the language of the page. */

import type { components } from "../../api/schema";
import { TIERS } from "../../api/types";
import { shortTime } from "../../design/time";
import { useText } from "../../i18n";
import { type Rule, tiersOf, type Value } from "./rules";

type Schemas = components["schemas"];
export type Stage = Schemas["StageBody"];
export type Schedule = Schemas["ScheduleBody"];

const SHOWN = 6;

export type Words = {
  rule: (rule: unknown) => string;
  stage: (stage: Stage, isLast: boolean) => string;
  schedule: (schedule: Schedule) => string[];
  attribute: (name: string) => string;
  op: (attribute: string, op: string) => string;
  stageName: (stage: Stage) => string;
};

/** Returns the share of so many basis points, as in "12.5 %". */
export const percent = (basisPoints: number) => `${basisPoints / 100} %`;
/** Returns the minute of a day as a clock shows it. */
export const clock = (minute: number) =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

export function useWords(): Words {
  const { say, sayOr, language } = useText();
  const attribute = (name: string) => sayOr(`rules.attr_${name}`, name);
  const op = (name: string, verb: string) => sayOr(`rules.op_${name}_${verb}`, sayOr(`rules.op_${verb}`, verb));
  const list = (parts: readonly string[], type: "conjunction" | "disjunction") =>
    new Intl.ListFormat(language === "zh" ? "zh-CN" : "en-GB", { type }).format(parts);

  const value = (name: string, one: Value) => {
    if (name === "tier") return sayOr(`tiers.${one}`, String(one));
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
    return say("rules.condition", { ...shape, values: shown });
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
  const stageName = (stage: Stage) => (stage.name === "all" ? say("plan.everybody") : stage.name);
  const stage = (one: Stage, isLast: boolean) => {
    const said = [say("plan.saysShare", { share: percent(one.basis_points) })];
    if (one.audience) said.push(say("plan.saysOnly", { text: rule(one.audience) }));
    if (one.min_minutes) said.push(say("plan.saysLeast", { time: duration(one.min_minutes) }));
    if (one.gate) {
      const signals = list(
        one.gate.signals.map((signal) => say(`plan.signal_${signal}`)),
        "disjunction",
      );
      said.push(say("plan.saysGate", { signals, times: one.gate.ratio_percent / 100 }));
    }
    said.push(say(isLast ? "plan.saysLast" : one.advance === "auto" ? "plan.saysAuto" : "plan.saysPerson"));
    return said.join(say("plan.semicolon"));
  };
  const duration = (minutes: number) => {
    if (minutes % 1440 === 0) return say("plan.days", { n: minutes / 1440 });
    return minutes % 60 === 0 ? say("plan.hours", { n: minutes / 60 }) : say("plan.minutes", { n: minutes });
  };
  const schedule = ({ not_before_ms, not_after_ms, hours }: Schedule) => {
    const said: string[] = [];
    if (not_before_ms) said.push(say("plan.saysBefore", { at: shortTime(not_before_ms, language) }));
    if (not_after_ms) said.push(say("plan.saysAfter", { at: shortTime(not_after_ms, language) }));
    if (hours) {
      const days = hours.days.toSorted().map((day) => say(`plan.day_${day as 0 | 1 | 2 | 3 | 4 | 5 | 6}`));
      const span = { from: clock(hours.from_minute), until: clock(hours.until_minute), zone: hours.zone };
      said.push(say("plan.saysHours", { days: days.join(say("plan.dayComma")), ...span }));
    }
    return said.length > 0 ? said : [say("plan.always")];
  };
  return { rule, stage, schedule, attribute, op, stageName };
}
