/** What a version asks for, and how that differs from before. Pure. */

import type { Comparison } from "../../api/types";

export type PermissionChange = { area: string; name: string; kind: "added" | "removed" | "same" };

/** Returns every permission, what is new first, then what is gone, then what stays. */
export function asked(permissions: Comparison["permissions"]): PermissionChange[] {
  return (["added", "removed", "same"] as const).flatMap((kind) =>
    Object.entries(permissions).flatMap(([area, change]) => change[kind].map((name) => ({ area, name, kind }))),
  );
}
