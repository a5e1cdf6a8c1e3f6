/** Why a device counts for less than the customer who is signed in there. */

import { afterEach, expect, test, vi } from "vitest";
import { Console, WAIT } from "./console";

const reason = { zh: "以此为准。", en: "This device may carry registered at most." };
const device = `dev_${"0".repeat(32)}`;
let page: Console;
afterEach(() => page.close());

test.each([[reason], [null]])(
  "the sentence of the server stands there: %j",
  { timeout: 60_000 },
  async (tierReason) => {
    page = new Console({ "/explain": { subject: { device, tier: "registered", tier_reason: tierReason } } });
    await page.open(`/explain?device=${device}`);
    await vi.waitFor(() => expect(document.querySelector("main")?.textContent).toContain("Host version"), WAIT);
    expect(document.querySelector("main")?.textContent?.includes(reason.en)).toBe(tierReason !== null);
  },
);
