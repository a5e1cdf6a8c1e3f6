/** The pure parts of tags and switches: ids as pasted, definitions and what is entered, and where refusals stand. */

import { describe, expect, test } from "vitest";
import { Problem } from "../src/api/problem";
import {
  type Definition,
  definitionIn,
  fieldOf,
  firstVariants,
  objectIn,
  placed,
  placeInRule,
  TYPES,
  valuesOf,
} from "../src/pages/switches/definition";
import { switchesIn } from "../src/pages/switches/ImportSwitches";
import { idsIn, unknownIn } from "../src/pages/tags/ids";
import { BROKEN, ruleIn } from "../src/rules/RuleOrJson";

const FULL = { attr: "tier", op: "in", values: ["full"] };
const LIMIT: Definition = {
  key: "transfer.limit",
  type: "float",
  title: "Daily limit",
  variants: { high: 50000.5, normal: 20000 },
  default: "normal",
  by: "customer",
  rules: [
    { audience: FULL, variant: "high" },
    { audience: { all: [] }, split: [{ variant: "high", share: 1000 }] },
  ],
};

test("ids are read as people paste them, each once", () => {
  expect(idsIn(" a\nb, c，d、a ;e\r\n\n")).toEqual(["a", "b", "c", "d", "e"]);
  expect(idsIn("  \n ")).toEqual([]);
  const refused = (code: string) => new Problem(422, code, "2 of the ids are not known here, the first 'R 9'. Nothing");
  expect([unknownIn(refused("member_unknown")), unknownIn(refused("bad_tag"))]).toEqual(["R 9", ""]);
});

describe("a definition", () => {
  test.each([
    LIMIT,
    { ...LIMIT, type: "object" as const, variants: { high: { n: [1, { m: null }] }, normal: {} } },
    { ...LIMIT, type: "boolean" as const, variants: { high: true, normal: false }, rules: [] },
    { ...LIMIT, type: "string" as const, variants: { high: "", normal: "null" } },
  ])("comes back from the form as it went in: $type", (definition) => {
    expect(definitionIn(valuesOf(definition))).toEqual(definition);
  });

  test.each(TYPES)("of type %s begins with two variants of different names", (type) => {
    expect(new Set(firstVariants(type).map(({ name }) => name)).size).toBe(2);
  });

  test("that is no JSON object is nothing", () => {
    expect([objectIn("[1]"), objectIn("{"), objectIn("null"), objectIn('{"a":1}')]).toEqual([
      null,
      null,
      null,
      { a: 1 },
    ]);
    expect([switchesIn("{}"), switchesIn('{"switches":[{}]}')]).toEqual([null, [{}]]);
    expect([ruleIn("[]"), ruleIn("{"), ruleIn('{"all":[]}')]).toEqual([BROKEN, BROKEN, { all: [] }]);
  });
});

describe("a refusal", () => {
  const at = (place: string, code = "bad_switch") =>
    placed(new Problem(422, code, "No.", "t", [], undefined, place), valuesOf(LIMIT)).errors[0]?.field;

  test("of a variant stands at its value, by the number that the form knows it by", () => {
    expect(at("variants.normal")).toBe("body.definition.variants[1].value");
  });

  test("of a share, or within a rule's audience, keeps its place", () => {
    expect(at("rules[1].split[0].share")).toBe("body.definition.rules[1].split[0].share");
    expect(at("rules[0].audience.all[1]", "rule_value_invalid")).toBe("body.definition.rules[0].audience.all[1]");
    expect(at("default", "missing_permission")).toBeUndefined();
  });

  test("leads to a field that there is", () => {
    expect(fieldOf(["definition", "rules", 1, "split"])).toEqual(["rules", 1, "split", 0, "share"]);
    expect(fieldOf(["definition", "rules", 1])).toEqual(["rules", 1, "variant"]);
    expect(fieldOf(["definition", "variants"])).toEqual(["variants", 0, "value"]);
    expect(fieldOf(["definition"])).toEqual(["title"]);
    expect(fieldOf(["note"])).toEqual(["note"]);
  });

  test("within an audience is told to the editor of that rule alone", () => {
    expect(placeInRule("rules[1].audience.all[0].values[2]", 1)).toBe("rule.all[0].values[2]");
    expect(placeInRule("rules[1].audience", 0)).toBeNull();
  });
});
