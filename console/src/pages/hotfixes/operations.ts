/** RFC 6902 operations as people read them. Pure. */

export type Operation = { op: string; path: string; from: string; old: string | null; value: string | null };

/** Returns what each operation does: the value that it takes away and the one that it puts there, null without. */
export function operationsOf(
  patch: readonly Readonly<Record<string, unknown>>[],
  taken: readonly (string | null)[],
): Operation[] {
  return patch.map((each, n) => ({
    op: String(each.op ?? ""),
    path: String(each.path ?? ""),
    from: String(each.from ?? ""),
    old: taken[n] ?? null,
    value: "value" in each ? JSON.stringify(each.value, null, 2) : null,
  }));
}
