/** What a browser tells of itself at every sync: families alone, nothing that would tell two people apart. */

import type { Profile } from "./sync-client";

/** The part of `navigator` that is looked at. */
export interface BrowserWords {
  readonly userAgent: string;
  readonly maxTouchPoints?: number;
}

// The first that fits counts: Edge and Opera call themselves Chrome too, and Chrome calls itself Safari.
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\b(?:OPR|Opera)\//, "Opera"],
  [/\bMicroMessenger\//, "WeChat"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chrome|CriOS|Chromium)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:iPhone|iPad|iPod)\b/, "iOS"],
  [/\bHarmonyOS\b|\bOpenHarmony\b/, "HarmonyOS"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** Return `model`: the families of browser and system, and the form of the device. `Chrome, Android, phone`. */
export function browserFacts({ userAgent, maxTouchPoints = 0 }: BrowserWords): Profile {
  const isTabletAsMac = /\bMacintosh\b/.test(userAgent) && maxTouchPoints > 1; // how iPads call themselves
  const system = isTabletAsMac ? "iOS" : familyOf(SYSTEMS, userAgent);
  return { model: `${familyOf(BROWSERS, userAgent)}, ${system}, ${formOf(userAgent, isTabletAsMac)}` };
}

function formOf(userAgent: string, isTabletAsMac: boolean): string {
  if (isTabletAsMac || /\biPad\b|\bTablet\b/.test(userAgent)) return "tablet";
  if (/\bMobile\b|\biPhone\b/.test(userAgent)) return "phone";
  return /\bAndroid\b/.test(userAgent) ? "tablet" : "desktop"; // Android says Mobile on phones alone
}

function familyOf(families: readonly (readonly [RegExp, string])[], userAgent: string): string {
  return families.find(([sign]) => sign.test(userAgent))?.[1] ?? "other";
}
