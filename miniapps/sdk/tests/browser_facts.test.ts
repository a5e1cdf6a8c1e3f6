import { expect, test } from "vitest";
import { browserFacts } from "../src/sync/browser_facts";

const KIT = "AppleWebKit/537.36 (KHTML, like Gecko)";

test.each([
  [
    `Mozilla/5.0 (Linux; Android 14; SM-S928B) ${KIT} Chrome/126.0.6478.122 Mobile Safari/537.36`,
    5,
    "Chrome, Android, phone",
  ],
  [`Mozilla/5.0 (Linux; Android 13; SM-X900) ${KIT} Chrome/126.0.0.0 Safari/537.36`, 5, "Chrome, Android, tablet"],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${KIT} Chrome/126.0 Safari/537.36 Edg/126.0`,
    0,
    "Edge, Windows, desktop",
  ],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", 0, "Firefox, Linux, desktop"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1",
    5,
    "Safari, iOS, phone",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
    5,
    "Safari, iOS, tablet",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
    0,
    "Safari, macOS, desktop",
  ],
  ["", 0, "other, other, desktop"],
])("%s", (userAgent, maxTouchPoints, model) => {
  expect(browserFacts({ userAgent, maxTouchPoints })).toEqual({ model });
});

test("versions, builds and device names are not told, and what is told has a bound", () => {
  const told = (userAgent: string): string => JSON.stringify(browserFacts({ userAgent }));
  expect(told("Mozilla/5.0 (Linux; Android 14; SM-S928B Build/UP1A) Chrome/126.0.6478.122 Mobile")).not.toMatch(
    /\d|SM-/,
  );
  expect(told(`Chrome/${"9".repeat(100_000)} Mobile`).length).toBeLessThan(80);
});
