/** Lines of a difference put beside each other. Pure. */

import type { components } from "../../api/schema";

export type Line = components["schemas"]["DiffLineOut"];
export type Pair = { readonly old: Line | null; readonly now: Line | null };

/** Returns one pair a row: what is the same stands on both sides, what replaces each other stands together. */
export function sideBySide(lines: readonly Line[]): Pair[] {
  const pairs: Pair[] = [];
  let old: Line[] = [];
  let now: Line[] = [];
  const close = () => {
    for (let n = 0; n < Math.max(old.length, now.length); n += 1)
      pairs.push({ old: old[n] ?? null, now: now[n] ?? null });
    old = [];
    now = [];
  };
  for (const line of lines) {
    if (line.change === "removed") {
      if (now.length > 0) close();
      old.push(line);
    } else if (line.change === "added") now.push(line);
    else {
      close();
      pairs.push({ old: line, now: line });
    }
  }
  close();
  return pairs;
}
