/** How numbers of insight are written. Pure. */

/** A span of time in the two greatest units that say it, without words: 840 ms, 12.4 s, 3 min, 2.5 h. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${tenth(ms / 1000)} s`;
  if (ms < 3_600_000) return `${tenth(ms / 60_000)} min`;
  return `${tenth(ms / 3_600_000)} h`;
}

/** A share as percent; a dash of nothing. */
export function percentText(rate: number | null): string {
  if (rate === null) return "—";
  const percent = rate * 100;
  return `${percent > 0 && percent < 99.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

function tenth(value: number): string {
  return value >= 10 ? String(Math.round(value)) : value.toFixed(1).replace(/\.0$/, "");
}
