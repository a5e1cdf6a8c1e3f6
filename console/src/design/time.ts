/** Times as people say them. Pure: the present moment is passed in. */

import type { Language } from "../i18n/catalogue";

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

function locale(language: Language): string {
  return language === "zh" ? "zh-CN" : "en-GB";
}

/** "3 minutes ago", "in 2 days"; below a minute "now". */
export function relative(atMs: number, nowMs: number, language: Language): string {
  const seconds = Math.round((atMs - nowMs) / 1000);
  const format = new Intl.RelativeTimeFormat(locale(language), { numeric: "auto" });
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return format.format(0, "second");
}

/** The exact time with its zone, as in "22 Nov 2026, 08:15:03 GMT+8". */
export function exact(atMs: number, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
    timeZoneName: "short",
  }).format(atMs);
}

/** The date and the minute, for dense lists. */
export function shortTime(atMs: number, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  }).format(atMs);
}
