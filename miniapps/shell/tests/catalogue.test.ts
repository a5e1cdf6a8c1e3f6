import { expect, test } from "vitest";
import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";
import { matching } from "../src/pages/app_list";
import { sampleApps } from "./preview_host";

const ids = (typed: string): string[] => matching(sampleApps("full"), typed).map((app) => app.id);

test("a search finds an app by its name or text in either language", () => {
  expect(ids("缴费")).toEqual(["bank.demo.bills"]);
  expect(ids("  COUPON ")).toEqual(["bank.demo.coupons"]);
  expect(ids("products")).toEqual(["bank.demo.wealth"]);
  expect(ids("no such thing")).toEqual([]);
});

test("an empty search finds everything", () => {
  expect(ids("   ")).toHaveLength(4);
});

test("both languages say the same facts in every text", () => {
  const facts = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();
  for (const [key, text] of Object.entries(zh)) {
    expect(facts(en[key as keyof typeof en]), key).toEqual(facts(text));
  }
});
