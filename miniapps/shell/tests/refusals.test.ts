import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";
import { REFUSALS, refusalText } from "../src/pages/refusals";

const OWN = ["offline", "starting", "failed"];

const SDK = join(import.meta.dirname, "../../sdk/src");
const SOURCES = ["container/problem.ts", "trust/refused.ts"];

/** The codes that the SDK's sources declare, read from its types. */
function declared(source: string): string[] {
  const unions = [...source.matchAll(/export type \w+Code =([^;]+);/g)].map((match) => match[1] ?? "");
  return unions.flatMap((union) => [...union.matchAll(/"([a-z_]+)"/g)].map((match) => match[1] ?? ""));
}

test("every code that keeps an app from opening has a text in both languages", () => {
  const codes = [...SOURCES.flatMap((file) => declared(readFileSync(join(SDK, file), "utf8"))), ...OWN];
  expect(codes.length).toBeGreaterThan(40);
  expect(Object.keys(REFUSALS).sort()).toEqual([...codes].sort());
  for (const code of codes) {
    expect(zh[refusalText(code)], code).toMatch(/[\u4e00-\u9fff]/);
    expect(en[refusalText(code)], code).toMatch(/^[A-Z][\x20-\x7e]+\.$/);
  }
});

test("a code of tomorrow is told as an app that was stopped", () => {
  expect(refusalText("made_up_later")).toBe("refused_hint");
});
