/** The place that a percentage is drawn by, in words. Pure. */

import type { Say } from "../i18n";
import type { Value } from "./rules";

type Drawn = { op?: string; values?: readonly Value[] };

/** Returns where the place of a percentage lies: "bucket 4,312 is not below 1,000". */
export function bucketSaid(leaf: Drawn, place: number, say: Say): string {
  const [low, high] = leaf.op === "between" ? (leaf.values as number[]) : [0, Number(leaf.values?.[0] ?? 0)];
  const isIn = place >= (low ?? 0) && place < (high ?? 0);
  const key = low ? (isIn ? "bucketBetween" : "bucketNotBetween") : isIn ? "bucketBelow" : "bucketNotBelow";
  const spelled = (n: number | undefined) => (n ?? 0).toLocaleString("en-GB");
  return say(`explain.${key}`, { n: spelled(place), low: spelled(low), high: spelled(high) });
}
