/** What the numbers say where there is nothing to count. */

import { afterEach, expect, test, vi } from "vitest";
import { Console, WAIT } from "./console";

let page: Console;
afterEach(() => page.close());

test.each([
  [{ devices: 0, online: 0 }, "No device has reported a new version yet"],
  [{ devices: 3, online: 0 }, "No device was online when a version came out"],
  [{ devices: 3, online: 2 }, "2 devices online"],
])("%j devices of a publication: %s", { timeout: 60_000 }, async (latency, sentence) => {
  page = new Console({ "/insight/summary": { latency } });
  await page.open("/insight?app=app");
  await vi.waitFor(() => expect(document.querySelector("main .tiles")?.textContent).toContain(sentence), WAIT);
});
