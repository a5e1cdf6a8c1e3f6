/** The days of a chart, those without a report too. Pure. */

import type { components } from "../../api/schema";

type Point = components["schemas"]["HealthPoint"];
type Counted = "opens" | "script_errors" | "white_screens" | "resources_failed";

const DAY_MS = 86_400_000;

/** Returns the days (UTC) from the first to the last moment, and what gives the numbers of each day. */
export function daysOf(points: readonly Point[], fromMs: number, untilMs: number) {
  const first = Math.floor(fromMs / DAY_MS) * DAY_MS;
  const days = Array.from({ length: Math.floor((untilMs - first) / DAY_MS) + 1 }, (_, n) => first + n * DAY_MS);
  const byDay = new Map(points.map((point) => [Math.floor(point.at_ms / DAY_MS) * DAY_MS, point]));
  return { days, of: (name: Counted) => days.map((day) => byDay.get(day)?.[name] ?? 0) };
}
