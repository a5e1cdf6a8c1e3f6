/** Axes of charts: round steps and few labels. Pure. */

/** Returns the marks of an axis from 0 to at least `most`, at most `count` of them above 0, in round steps. */
export function ticks(most: number, count = 4, whole = true): number[] {
  if (most <= 0) return [0, 1];
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? 10 * power;
  const fit = whole ? Math.max(1, Math.ceil(step)) : step;
  return Array.from({ length: Math.ceil(most / fit) + 1 }, (_, n) => n * fit);
}

/** Returns which of `length` places get a label: the last one and, evenly before it, at most `count`. */
export function labelled(length: number, count: number): number[] {
  const every = Math.max(1, Math.ceil(length / Math.max(1, count)));
  return Array.from({ length }, (_, n) => n).filter((n) => (length - 1 - n) % every === 0);
}
