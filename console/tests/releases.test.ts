/** The pure parts of releases: rules as trees, what of them is still to be entered, plans, and verdicts. */

import { describe, expect, test } from "vitest";
import { verdictOf } from "../src/pages/releases/judge";
import { bodyOf, NO_RULES, NO_SCHEDULE, presetStages, stepOf, type Values } from "../src/pages/releases/plan";
import { formsOf } from "../src/rules/ruleForms";
import { groupOf, isGroup, missingIn, nodeOf, placeIn, ruleOf, tiersOf, written } from "../src/rules/rules";

const TIER = { attr: "tier", op: "in", values: ["full"] };
const VERSION = { attr: "os_version", op: "at_least", values: ["14"] };

describe("a rule", () => {
  test.each([
    TIER,
    { all: [TIER, { any: [VERSION, { not: { any: [TIER] } }] }] },
    { not: { any: [TIER, VERSION] } },
    { all: [] },
  ])("comes back from the editor as it went in: %j", (rule) => {
    expect(written(nodeOf(rule))).toEqual(rule);
  });

  test("a negation of one part says the same as a group of which none holds", () => {
    expect(written(nodeOf({ not: TIER }))).toEqual({ not: { any: [TIER] } });
  });

  test("a condition alone becomes a group that can be added to", () => {
    expect(written(groupOf(TIER))).toEqual({ all: [TIER] });
  });

  test("each part knows its place as the server names it", () => {
    const root = groupOf({ all: [TIER, { not: { any: [TIER, VERSION] } }] });
    const inner = root.parts[1];
    if (!inner || !isGroup(inner)) throw new Error("no group");
    const place = placeIn(root, "rule", 1);
    expect(placeIn(inner, place, 1)).toBe("rule.all[1].not.any[1]");
  });

  test("what is not filled in is found, wherever it is", () => {
    const empty = { attr: "tag", op: "in", values: [] };
    expect(missingIn({ all: [TIER, { any: [VERSION, empty] }] })).toBe("rule.all[1].any[1]");
    expect(missingIn({ not: { any: [empty] } })).toBe("rule.not.any[0]");
    expect(missingIn({ attr: "time", op: "between", values: [1, ""] })).toBe("rule");
    expect(missingIn({ any: [] })).toBe("rule");
    expect(missingIn({ all: [TIER, VERSION] })).toBeNull();
  });

  test("tiers are read back in their order, and of another rule none", () => {
    expect(tiersOf(ruleOf(["full", "visitor"]))).toEqual(["visitor", "full"]);
    expect(tiersOf(VERSION)).toBeNull();
  });
});

test("attributes, operators and the kinds of their values come from the schema", () => {
  const condition = (attr: string, op: string, items: object, most: number) => ({
    properties: { attr: { const: attr }, op: { const: op }, values: { items, minItems: 1, maxItems: most } },
  });
  const oneOf = [
    { properties: { all: {} } },
    condition("tier", "in", { enum: ["visitor", "full"] }, 1000),
    condition("tier", "below", { enum: ["visitor", "full"] }, 1),
    condition("percentage", "below", { type: "integer" }, 1),
    condition("time", "below", { anyOf: [] }, 1),
    condition("model", "contains", { type: "string" }, 9),
  ];
  const forms = formsOf({ $defs: { rule: { oneOf } } });
  expect(forms.get("tier")?.map(({ op, most }) => [op, most])).toEqual([
    ["in", 1000],
    ["below", 1],
  ]);
  expect([...forms.values()].map(([form]) => form?.kind)).toEqual(["tier", "share", "moment", "text"]);
  expect(formsOf({})).toEqual(new Map());
});

describe("a plan", () => {
  const words = { everybody: "Everybody", testers: "Testers" };
  const values = (stages: Values["stages"]): Values => ({
    id: "app",
    sequence: 2,
    audience: TIER,
    update_mode: "async",
    client_rules: { wifi_only: true, predownload: false, minimum_sequence: 2 },
    stages,
    schedule: NO_SCHEDULE("UTC"),
  });

  test("for everybody at once has one stage that nothing watches, and no schedule", () => {
    const body = bodyOf(values(presetStages("everybody", words, TIER)));
    expect(body.stages).toMatchObject([{ name: "Everybody", basis_points: 10_000, gate: null, advance: "person" }]);
    expect(body.schedule).toEqual({ not_before_ms: null, not_after_ms: null, hours: null });
  });

  test("with testers begins with them, and ends with everybody", () => {
    const { stages = [] } = bodyOf(values(presetStages("testers", words, TIER)));
    expect(stages?.map((stage) => stage.basis_points)).toEqual([10_000, 100, 1000, 5000, 10_000]);
    expect(stages?.map((stage) => stage.audience)).toEqual([TIER, null, null, null, null]);
    expect(stages?.map((stage) => stage.advance)).toEqual(["person", "auto", "auto", "auto", "person"]);
  });

  test("does not move on from its last stage by itself, whatever was chosen when it was not the last", () => {
    const [first, second] = presetStages("steps", words, TIER);
    if (!first || !second) throw new Error("no stages");
    expect(bodyOf(values([first, second])).stages?.map((stage) => stage.advance)).toEqual(["auto", "person"]);
  });

  test("client rules are a package's alone", () => {
    const one = values([]);
    expect(bodyOf(one).client_rules).toEqual({ wifi_only: true, predownload: false, minimum_sequence: 2 });
    expect(bodyOf({ ...one, kind: "switch" }).client_rules).toEqual(NO_RULES);
    expect(stepOf(["client_rules", "minimum_sequence"])).toBe("version");
  });

  test("a refused field leads to its step", () => {
    expect(stepOf(["stages", 1, "audience"])).toBe("stages");
    expect(stepOf(["schedule", "hours", "zone"])).toBe("schedule");
    expect(stepOf(["client_app"])).toBe("audience");
    expect(stepOf(["rollback_to"])).toBe("version");
  });
});

test("silence is never health", () => {
  const look = (devices: number, failures: number) => ({ at_ms: 1, stage: 0, devices, failures, most: 3, why: "" });
  expect(verdictOf({ looks: [], sample: 100 })).toBe("waiting");
  expect(verdictOf({ looks: [look(99, 0)], sample: 100 })).toBe("waiting");
  expect(verdictOf({ looks: [look(100, 3)], sample: 100 })).toBe("healthy");
  expect(verdictOf({ looks: [look(100, 4)], sample: 100 })).toBe("broken");
  expect(verdictOf({ looks: [look(100, 0)], sample: null })).toBe("person");
});
