/** Whom a new release means before anybody says so: whoever sees the app. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { type Answers, Console, WAIT } from "./console";

const CATALOGUE: Answers = {
  "/catalogue": {
    items: [
      { app: "bank.staff", listed: true, see_tier: "e_account" },
      { app: "bank.open", listed: true, see_tier: "visitor" },
      { app: "bank.hidden", listed: false, see_tier: "full" },
    ],
  },
};
const ALL = ["visitor", "registered", "e_account", "full"];
const boxes = () => [...document.querySelectorAll<HTMLInputElement>("[role=group] input[type=checkbox]")];
const ticked = () => boxes().flatMap(({ value, checked }) => (checked && ALL.includes(value) ? [value] : []));

describe("the audience of a new release", () => {
  let page: Console;
  afterEach(() => page.close());
  test.each([
    ["bank.staff", ["e_account", "full"]],
    ["bank.open", ALL],
    ["bank.hidden", ALL],
    ["bank.unknown", ALL],
  ])("of %s is whoever sees it", { timeout: 60_000 }, async (app, tiers) => {
    page = new Console(CATALOGUE);
    await page.open(`/releases/new?app=${app}&step=review`);
    await vi.waitFor(() => expect(ticked()).toEqual(tiers), WAIT);
  });
});
