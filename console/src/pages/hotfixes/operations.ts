/** RFC 6902 operations as people read them. Pure. */

export type Operation = { op: string; path: string; from: string; value: string | null };

/** Returns what each operation does; `value` is JSON text, null where it takes none. */
export function operationsOf(patch: readonly Readonly<Record<string, unknown>>[]): Operation[] {
  return patch.map((each) => ({
    op: String(each.op ?? ""),
    path: String(each.path ?? ""),
    from: String(each.from ?? ""),
    value: "value" in each ? JSON.stringify(each.value, null, 2) : null,
  }));
}
