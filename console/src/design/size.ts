/** Numbers and sizes as people read them. Pure. */

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = count / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** The beginning of a long digest or id, enough to tell two apart at a glance. */
export function shortDigest(text: string): string {
  const [, hex] = /^(?:[a-z0-9]+:)?([0-9a-f]{20,})$/.exec(text) ?? [];
  if (hex) return `${hex.slice(0, 12)}…`;
  const [, kind, rest] = /^([a-z]{2,4})_([0-9a-f]{32})$/.exec(text) ?? [];
  return kind && rest ? `${kind}_…${rest.slice(-6)}` : text;
}
