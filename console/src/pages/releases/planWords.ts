/** Stages and schedules as people say them, and rules with them, in the language of the page. */

import type { components } from "../../api/schema";
import { shortTime } from "../../design/time";
import { useText } from "../../i18n";
import { plan } from "../../i18n/texts/plan";
import { percent, type RuleWords, useRuleWords } from "../../rules/ruleWords";
import { useEventNames } from "../insight/eventName";

type Schemas = components["schemas"];
export type Stage = Schemas["StageBody"];
export type Schedule = Schemas["ScheduleBody"];

export type Words = RuleWords & {
  stage: (stage: Stage, isLast: boolean) => string;
  schedule: (schedule: Schedule) => string[];
  stageName: (stage: Stage) => string;
};

/** Returns the minute of a day as a clock shows it. */
export const clock = (minute: number) =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

export function useWords(): Words {
  const { say, language } = useText();
  const ruleWords = useRuleWords();
  const { name: eventName } = useEventNames();
  const named = (type: string | undefined) => (type ? eventName(type) : "…"); // one that is not chosen yet
  const list = (parts: readonly string[]) =>
    new Intl.ListFormat(language === "zh" ? "zh-CN" : "en-GB", { type: "disjunction" }).format(parts);

  const stageName = ({ name }: Stage) => {
    if (name === "all" || plan.everybody.some((word) => word === name)) return say("plan.everybody");
    return plan.testers.some((word) => word === name) ? say("plan.testers") : name;
  };
  const stage = (one: Stage, isLast: boolean) => {
    const said = [say("plan.saysShare", { share: percent(one.basis_points) })];
    if (one.audience) said.push(say("plan.saysOnly", { text: ruleWords.rule(one.audience) }));
    if (one.min_minutes) said.push(say("plan.saysLeast", { time: duration(one.min_minutes) }));
    if (one.gate) {
      const signals = list(
        one.gate.signals.map((signal) =>
          typeof signal === "string"
            ? say(`plan.signal_${signal}`)
            : say("plan.saysEvents", { failed: named(signal.failed), of: named(signal.of) }),
        ),
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
  return { ...ruleWords, stage, schedule, stageName };
}
