/** What the wizard enters of stages and schedule, the plans that it offers, and the body that the server takes. Pure. */

import type { components } from "../../api/schema";
import type { ReleaseDetail } from "../../api/types";
import type { Rule } from "../../rules/rules";
import { isPackage, isWatched } from "./kindNames";
import type { Schedule, Stage } from "./planWords";

type Gate = components["schemas"]["GateBody"];
export type ClientRules = components["schemas"]["ClientRulesBody"];
type Draft = components["schemas"]["ReleaseDraft"];
export type Cap = components["schemas"]["CapBody"];

export const SIGNALS = ["delivery_failed", "white_screen", "script_error", "resource_failed"] as const;
export const DAYS = [0, 1, 2, 3, 4, 5, 6] as const;
export type Preset = "everybody" | "testers" | "steps" | "own";

export type Ratio = components["schemas"]["RatioBody"];

export type StageValues = {
  name: string;
  basis_points: number;
  audience: Rule | null;
  advance: Stage["advance"];
  min_minutes: number;
  gate: Pick<Gate, "ratio_percent"> & {
    on: boolean;
    signals: string[];
    ratios: Ratio[];
    most_basis_points?: number | null;
  };
};

export type Values = {
  kind?: string | undefined;
  id: string;
  sequence: number;
  audience: Rule;
  client_app?: string | null;
  update_mode: string;
  rollback_to?: number | null;
  client_rules: ClientRules;
  cap?: { on: boolean; customers: number; until_ms?: number | null };
  stages: StageValues[];
  schedule: {
    not_before_ms?: number | null;
    not_after_ms?: number | null;
    hours: { on: boolean; zone: string; days: string[]; from_minute: number; until_minute: number };
  };
};

const GATE = { signals: ["delivery_failed", "white_screen"], ratios: [] as Ratio[], ratio_percent: 200 };

/** Returns a stage that is watched and moves on by itself after an hour, unless it is the last. */
export function newStage(name: string, basisPoints: number, more: Partial<StageValues> = {}): StageValues {
  const isLast = basisPoints === 10_000 && !more.audience;
  return {
    name,
    basis_points: basisPoints,
    audience: null,
    advance: isLast ? "person" : "auto",
    min_minutes: isLast ? 0 : 60,
    gate: { on: true, ...GATE },
    ...more,
  };
}

/** Returns the stages of a plan that is offered; `own` changes nothing. */
export function presetStages(
  preset: Exclude<Preset, "own">,
  words: { everybody: string; testers: string },
  testers: Rule,
): StageValues[] {
  const everybody = newStage(words.everybody, 10_000);
  if (preset === "everybody") return [{ ...everybody, gate: { on: false, ...GATE } }];
  const steps = [newStage("1 %", 100), newStage("10 %", 1000), newStage("50 %", 5000), everybody];
  if (preset === "steps") return steps;
  return [newStage(words.testers, 10_000, { audience: testers, advance: "person", min_minutes: 0 }), ...steps];
}

export const NO_SCHEDULE = (zone: string): Values["schedule"] => ({
  not_before_ms: null,
  not_after_ms: null,
  hours: { on: false, zone, days: ["0", "1", "2", "3", "4"], from_minute: 540, until_minute: 1080 },
});

export const NO_CAP: NonNullable<Values["cap"]> = { on: false, customers: 100, until_ms: null };

/** Returns what the wizard shows of a release that is to be edited. */
export function valuesOf(release: ReleaseDetail, zone: string): Values {
  const { schedule, cap, stages } = release;
  const none = NO_SCHEDULE(zone);
  return {
    kind: release.kind,
    id: release.deliverable,
    sequence: release.sequence,
    audience: release.audience as Rule,
    client_app: release.client_app,
    update_mode: release.update_mode,
    rollback_to: release.rollback_to,
    client_rules: release.client_rules,
    cap: cap ? { on: true, customers: cap.customers, until_ms: cap.until_ms ?? null } : NO_CAP,
    stages: stages.map(stageValues),
    schedule: {
      not_before_ms: schedule.not_before_ms ?? null,
      not_after_ms: schedule.not_after_ms ?? null,
      hours: schedule.hours ? { ...schedule.hours, on: true, days: schedule.hours.days.map(String) } : none.hours,
    },
  };
}

function stageValues({ gate, ...stage }: Stage): StageValues {
  const signals = gate?.signals ?? [];
  return {
    name: stage.name,
    basis_points: stage.basis_points,
    audience: (stage.audience as Rule | null | undefined) ?? null,
    advance: stage.advance,
    min_minutes: stage.min_minutes,
    gate: gate
      ? {
          on: true,
          ratio_percent: gate.ratio_percent,
          most_basis_points: gate.most_basis_points ?? null,
          signals: signals.filter((each): each is (typeof SIGNALS)[number] => typeof each === "string"),
          ratios: signals.filter((each): each is Ratio => typeof each !== "string"),
        }
      : { on: false, ...GATE },
  };
}

export function stageBody({ gate: { on, ratio_percent, ...gate }, ...stage }: StageValues): Stage {
  const most_basis_points = gate.most_basis_points ?? null;
  const signals = [...gate.signals, ...gate.ratios] as Gate["signals"];
  return { ...stage, gate: on ? { signals, ratio_percent, most_basis_points } : null };
}

export function scheduleBody({ hours: { on, days, ...hours }, ...schedule }: Values["schedule"]): Schedule {
  return {
    not_before_ms: schedule.not_before_ms ?? null,
    not_after_ms: schedule.not_after_ms ?? null,
    hours: on ? { ...hours, days: days.map(Number) } : null,
  };
}

export const NO_RULES: ClientRules = { wifi_only: false, predownload: false, minimum_sequence: null };

export function bodyOf({
  kind = "miniapp",
  stages,
  schedule,
  client_app,
  rollback_to,
  client_rules,
  cap,
  ...rest
}: Values): Draft {
  const isWhole = isPackage({ kind });
  const shown = isWatched({ kind })
    ? stages
    : stages.map((stage) => ({ ...stage, gate: { ...stage.gate, on: false } }));
  return {
    ...rest,
    kind,
    client_app: client_app ?? null,
    rollback_to: rollback_to ?? null,
    client_rules: isWhole ? { ...NO_RULES, ...client_rules } : NO_RULES,
    cap: isWhole && cap?.on ? { customers: cap.customers, until_ms: cap.until_ms ?? null } : null,
    // Nobody moves on from the last one.
    stages: shown.map((stage, n) => stageBody(n + 1 === stages.length ? { ...stage, advance: "person" } : stage)),
    schedule: scheduleBody(schedule),
  };
}

export const STEPS = ["version", "audience", "stages", "schedule", "review"] as const;
export type Step = (typeof STEPS)[number];

/** Returns the step that a field of the form stands in. */
export function stepOf(path: readonly (string | number)[]): Step {
  const [first] = path;
  if (first === "audience" || first === "client_app" || first === "cap") return "audience";
  return first === "stages" || first === "schedule" ? first : "version";
}
