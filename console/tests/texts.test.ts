import { expect, test } from "vitest";
import { catalogue, isTextKey } from "../src/i18n/catalogue";
import { areas } from "../src/i18n/texts";

type Pair = readonly [string, string];
const pairs = Object.entries(areas).flatMap(([area, texts]) =>
  Object.entries(texts).map(([name, pair]) => [`${area}.${name}`, pair as Pair] as const),
);
const places = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((found) => found[1]).sort();

test("both languages have the same keys", () => {
  const keys = (language: "zh" | "en") =>
    Object.entries(catalogue(language)).flatMap(([area, texts]) => Object.keys(texts).map((name) => `${area}.${name}`));
  expect(keys("zh")).toEqual(keys("en"));
});

test.each(pairs)("%s says something in both languages, with the same places", (_key, [zh, en]) => {
  expect(zh.trim()).not.toBe("");
  expect(en.trim()).not.toBe("");
  expect(places(zh)).toEqual(places(en));
});

test("no key holds the separator", () => {
  expect(pairs.filter(([key]) => key.split(".").length !== 2)).toEqual([]);
});

test("Chinese sentences use Chinese punctuation", () => {
  const wrong = pairs.filter(([, [zh]]) => /[\u4e00-\u9fff][,;:?!](?!\s*$)/.test(zh));
  expect(wrong.map(([key]) => key)).toEqual([]);
});

test("a code of the server without a text is no key", () => {
  expect(isTextKey("problems.version_state")).toBe(true);
  expect(isTextKey("problems.never_heard_of")).toBe(false);
  expect(isTextKey("nowhere.at_all")).toBe(false);
  expect(isTextKey("problems.toString")).toBe(false);
});
