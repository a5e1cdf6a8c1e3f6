/** Lines of `name=value`, as people type them. Pure. */

/** Returns the pairs, or null when a line has another form. */
export function readPairs(text: string): Record<string, string> | null {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const pairs = lines.map((line) => /^([^=\s]+)\s*=\s*(\S.*)$/.exec(line));
  if (pairs.some((found) => found === null)) return null;
  return Object.fromEntries(pairs.map((found) => [found?.[1] ?? "", found?.[2] ?? ""]));
}

export function writePairs(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}
