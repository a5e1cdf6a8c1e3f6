/** Who is asked about, and the sentence that answers: pure parts of the page that explains. */

import { expect, test } from "vitest";
import type { Say } from "../src/i18n";
import { catalogue } from "../src/i18n/catalogue";
import { answerOf, decidingOf, type Item, type Judged, newerOf, whySaid } from "../src/pages/explain/answer";
import { readWhom } from "../src/pages/explain/whom";
import type { Explanation } from "../src/rules/ExplainTree";
import type { RuleWords } from "../src/rules/ruleWords";

const DEVICE = `dev_${"0".repeat(32)}`;
const texts = catalogue("en");
const say: Say = (key, values = {}) => {
  const [area = "", name = ""] = key.split(".");
  return Object.entries(values).reduce(
    (text, [word, value]) => text.replaceAll(`{{${word}}}`, String(value)),
    texts[area]?.[name] ?? key,
  );
};
const words = {
  attribute: (name: string) => name,
  value: (_name: string, value: unknown) => String(value),
} as RuleWords;
const leaf = (attr: string, outcome: boolean | null, more: Partial<Explanation> = {}): Explanation => ({
  word: "condition",
  at: attr,
  outcome,
  attr,
  op: "in",
  values: [],
  ...more,
});
const place = leaf("percentage", false, { op: "below", values: [1000], seen: 4312 });
const all = (parts: Explanation[], outcome: boolean | null = false): Explanation => ({
  word: "all",
  at: "rule",
  outcome,
  parts,
});
const release = (sequence: number, reason: string, rule: Explanation, cap: object | null = null) =>
  ({ sequence, version: `1.${sequence}.0`, reason, rule, cap }) as unknown as Judged;
const item = (more: object): Item =>
  ({
    offered: null,
    installed: null,
    action: "none",
    reason: "no_release",
    releases: [],
    more: 0,
    ...more,
  }) as unknown as Item;
const offered = { release: "rel_1", version: "1.1.0", sequence: 1 };
const held = { sequence: 1, version: "1.1.0", seen_ms: 1 };

test.each([
  [` ${DEVICE} `, { device: DEVICE }],
  [`cus_${"a".repeat(32)}`, { customer: `cus_${"a".repeat(32)}` }],
  ["CIF-1001", { reference: "CIF-1001", phone: null }],
  ["+86 138-0000-0001", { reference: "+86 138-0000-0001", phone: "+8613800000001" }],
  ["13800000001", { reference: "13800000001", phone: "13800000001" }],
  ["dev_short", { reference: "dev_short", phone: null }],
  ["  ", null],
])("%j names %j", (text, whom) => {
  expect(readWhom(text)).toEqual(whom);
});

test.each([
  [{ offered, action: "install" }, "Gets 1.1.0 at its next check"],
  [{ offered, action: "keep", installed: held }, "Has 1.1.0"],
  [{ offered, action: "keep" }, "Has 1.1.0 or a newer one"],
  [{ offered, action: "keep", installed: { ...held, sequence: 2, version: null } }, "Stays on #2"],
  [
    { offered, action: "rollback", installed: { ...held, sequence: 2, version: "1.2.0" } },
    "Goes back from 1.2.0 to 1.1.0",
  ],
  [{ action: "remove", installed: held }, "Loses 1.1.0: the version was killed"],
  [{ action: "keep", installed: held }, "Stays on 1.1.0"],
  [{ offered, action: null }, "Gets 1.1.0"],
  [
    { kind: "hotfix", offered: { ...offered, version: "1.1.0+1" }, action: null },
    "Gets 1.1.0+1 where it has that version",
  ],
  [
    { kind: "hotfix", action: "remove", installed: { ...held, sequence: 1, version: "1.1.0+1" } },
    "Leaves 1.1.0+1: it was withdrawn or rolled back",
  ],
  [{ action: "none" }, "Gets nothing: {{why}}"],
  [{ action: null, reason: "standing" }, "Has what everybody has; no release gives another one"],
])("%j is said as %j", (more, text) => {
  const { key, values } = answerOf(item(more));
  expect(say(key, values)).toBe(text);
});

test("the newest release that is not given is the one above the offer", () => {
  const releases = [
    release(3, "release_paused", place),
    release(2, "not_in_audience", place),
    release(1, "matched", place),
  ];
  expect(newerOf(item({ offered, releases }))?.sequence).toBe(3);
  expect(newerOf(item({ offered, releases: releases.slice(2) }))).toBeNull();
});

test("a reason names the first condition that decides it, with what was seen", () => {
  const said = (rule: Explanation) => whySaid(release(2, "not_in_audience", rule), say, words);
  expect(said(all([leaf("tier", true), place]))).toBe("not in the audience, bucket 4,312 is not below 1,000");
  expect(said(all([leaf("region", null)], null))).toBe("not in the audience, region is not known");
  expect(said(all([leaf("tag", false, { seen: [] })]))).toBe("not in the audience, tag is none");
  expect(said(all([leaf("device", false, { seen: "***" })]))).toBe("not in the audience, device is not on its list");
  expect(said(all([leaf("region", false, { seen: "cn-31" })]))).toBe("not in the audience, region is cn-31");
  const cap = { customers: 2000, taken: 2000 };
  expect(whySaid(release(2, "no_place", place, cap), say, words)).toBe("2000 of 2000 places taken");
  const over = { customers: 2000, taken: 7 };
  expect(whySaid(release(2, "no_place", place, over), say, words)).toBe("the time to get a place is over");
  expect(whySaid(release(2, "release_paused", place), say, words)).toBe("the release is paused");
});

test("under a not, what holds decides", () => {
  const inner: Explanation = { word: "any", at: "a", outcome: true, parts: [place, leaf("tier", true)] };
  expect(decidingOf({ word: "not", at: "n", outcome: false, parts: [inner] }).map(({ attr }) => attr)).toEqual([
    "tier",
  ]);
});

test.each(["zh", "en"] as const)("every reason of the server has its words in %s", (language) => {
  const reasons = [
    ..."matched not_in_audience other_client_app host_too_old no_place no_release superseded standing".split(" "),
    ..."depends_on_device not_exposed version_killed device_revoked".split(" "),
    ..."submitted approved paused stopped rolled_back".split(" ").map((state) => `release_${state}`),
  ];
  for (const reason of reasons) expect(catalogue(language).explain?.[`why_${reason}`]).toBeTruthy();
});
