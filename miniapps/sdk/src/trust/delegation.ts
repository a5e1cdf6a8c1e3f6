/** Which paths a delegation covers (TUF 1.0.31, section 4.5), and whether it is one that our rules allow. */

import { sha256Hex } from "./digest";
import { rawKey } from "./keys";
import type { DelegatedRole, Targets } from "./metadata";
import { demand } from "./refused";

/** Whether the role may speak about `path`. */
export async function isDelegated(role: DelegatedRole, path: string): Promise<boolean> {
  if (role.paths !== null) return role.paths.some((pattern) => matches(path, pattern));
  const hash = await sha256Hex(new TextEncoder().encode(path));
  return (role.hashPrefixes ?? []).some((prefix) => hash.startsWith(prefix));
}

/** Shell patterns as Python's fnmatch has them, in each folder apart: a star does not reach over a slash. */
function matches(path: string, pattern: string): boolean {
  const names = path.split("/");
  const parts = pattern.split("/");
  return names.length === parts.length && parts.every((part, at) => toExpression(part).test(names[at] ?? ""));
}

function toExpression(pattern: string): RegExp {
  const source = pattern.replace(
    /\[(!?)([^\]]+)\]|[\s\S]/g,
    (sign, not: string | undefined, set: string | undefined) =>
      set !== undefined
        ? `[${not ? "^" : ""}${set.replace(/[\\\]^[]/g, "\\$&")}]`
        : sign === "*"
          ? "[\\s\\S]*"
          : sign === "?"
            ? "[\\s\\S]"
            : sign.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"),
  );
  return new RegExp(`^${source}$`);
}

/**
 * Throw `trust_delegation_unsafe` unless the role has exactly these paths and as many different keys as it needs.
 *
 * Three keys with threshold two would let two publisher keys pass without the review, and one key under two names
 * would let one party count twice.
 */
export async function checkDelegation(
  targets: Targets,
  role: string,
  paths: readonly string[],
  threshold: number,
): Promise<void> {
  const found = targets.delegations?.roles.get(role);
  demand(found !== undefined, "trust_not_listed", `The tree has no role ${role}.`);
  const raw = new Set<string>();
  for (const id of found.keyids) {
    const key = targets.delegations?.keys.get(id);
    const one = key === undefined ? null : await rawKey(key);
    demand(one !== null, "trust_delegation_unsafe", `The delegation of ${role} lists a key that is not acceptable.`);
    raw.add(one);
  }
  const isExact = found.threshold === threshold && raw.size === threshold && found.keyids.length === threshold;
  demand(
    isExact,
    "trust_delegation_unsafe",
    `${role} must have exactly ${threshold} different keys and need them all.`,
  );
  const covers = found.paths ?? [];
  const isNarrow = covers.length === paths.length && covers.every((path, at) => path === paths[at]);
  const told = `${role} must cover ${paths.join(", ")} and nothing else, and end the search.`;
  demand(isNarrow && found.terminating, "trust_delegation_unsafe", told);
}
