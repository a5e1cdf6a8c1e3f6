import { expect, test } from "vitest";
import { isTyping } from "../src/app/shortcuts";
import { contrast } from "../src/design/contrast";
import { nextCursor } from "../src/design/pages";
import { initials } from "../src/design/Small";
import { bytes, shortDigest } from "../src/design/size";
import { relative } from "../src/design/time";
import { PALETTE, TONES } from "../src/design/tokens";
import { firstLanguage } from "../src/i18n";
import { readPairs, writePairs } from "../src/pages/client-apps/pairs";
import { ruleOf, tiersOf } from "../src/rules/rules";

test.each(["light", "dark"] as const)("texts of the %s palette reach WCAG AA", (mode) => {
  const p = PALETTE[mode];
  for (const ground of [p.canvas, p.surface, p.raised])
    for (const text of [p.ink, p.ink2, p.ink3, p.link]) expect(contrast(text, ground)).toBeGreaterThanOrEqual(4.5);
  expect(contrast(p.onBrand, p.brand)).toBeGreaterThanOrEqual(4.5);
  for (const tone of Object.values(TONES[mode])) expect(contrast(tone.text, tone.ground)).toBeGreaterThanOrEqual(4.5);
});

test("contrast is that of the definition", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
  expect(contrast("#767676", "#ffffff")).toBeCloseTo(4.54, 2);
});

test.each([
  [999, "999 B"],
  [11_764, "11.8 kB"],
  [2_000_000, "2.0 MB"],
  [150_000_000, "150 MB"],
])("%i bytes are %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

test("digests and ids are shortened, names are not", () => {
  expect(shortDigest(`sha256:${"ab".repeat(32)}`)).toBe("abababababab…");
  expect(shortDigest(`cus_${"0".repeat(26)}12abef`)).toBe("cus_…12abef");
  expect(shortDigest("bank.demo.coupons")).toBe("bank.demo.coupons");
});

test("times are told relative to now", () => {
  const now = 1_800_000_000_000;
  expect(relative(now - 3 * 60_000, now, "en")).toBe("3 minutes ago");
  expect(relative(now + 2 * 86_400_000, now, "zh")).toBe("后天");
  expect(relative(now - 5_000, now, "en")).toBe("now");
});

test.each([
  ["Ada Admin", "AA"],
  ["陈琳", "琳"],
  ["", "?"],
])("initials of %s are %s", (name, letters) => {
  expect(initials(name)).toBe(letters);
});

test("the language is the stored one, then the browser's first that there is", () => {
  expect(firstLanguage("zh", ["en-GB"])).toBe("zh");
  expect(firstLanguage(null, ["fr-FR", "zh-Hans-CN", "en"])).toBe("zh");
  expect(firstLanguage("xx", ["fr"])).toBe("en");
});

test("the last page has no cursor", () => {
  expect(nextCursor({ items: [], next_cursor: null })).toBeNull();
  expect(nextCursor({ items: [], next_cursor: "abc" })).toBe("abc");
  expect(nextCursor(undefined)).toBeNull();
});

test("shortcuts keep out of fields and of the browser's own keys", () => {
  const field = document.createElement("input");
  const plain = document.createElement("p");
  const key = (target: Element, ctrlKey = false) => ({ ctrlKey, metaKey: false, altKey: false, target });
  expect(isTyping(key(field))).toBe(true);
  expect(isTyping(key(plain))).toBe(false);
  expect(isTyping(key(plain, true))).toBe(true);
});

test("pairs are read as they are written; another form is refused", () => {
  expect(readPairs("ios=1.2.0\n\n android = 2 ")).toEqual({ ios: "1.2.0", android: "2" });
  expect(readPairs("ios")).toBeNull();
  expect(readPairs(writePairs({ a: "1", b: "2" }))).toEqual({ a: "1", b: "2" });
});

test("a rule of tiers is read in the order of the tiers, others are left alone", () => {
  expect(tiersOf(ruleOf(["full", "visitor"]))).toEqual(["visitor", "full"]);
  expect(tiersOf({ attr: "city", op: "in", values: ["x"] })).toBeNull();
});
