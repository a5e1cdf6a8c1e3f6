/** Days and how they compare. Pure. */

const DAY_MS = 86_400_000;
const WEEK = 7;

/** Returns the dates of a chart's days; they are days in UTC, as the server counts them. */
export function daysText(firstDayMs: number, days: number, locale: string): string[] {
  const format = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  return Array.from({ length: days }, (_, n) => format.format(firstDayMs + n * DAY_MS));
}

/** Returns by how many percent the last week is above the one before it; null when that one had nothing. */
export function weekChange(values: readonly number[]): number | null {
  const sum = (part: readonly number[]) => part.reduce((all, one) => all + one, 0);
  const before = sum(values.slice(-2 * WEEK, -WEEK));
  if (values.length < 2 * WEEK || before === 0) return null;
  return Math.round((100 * (sum(values.slice(-WEEK)) - before)) / before);
}
