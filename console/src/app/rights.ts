/** What somebody may do, as the server told. Pure. The server decides anew at every request; this only hides doors. */

import type { Me } from "../api/types";

export type Thing = { app?: string; publisher?: string; clientApp?: string };
export type Rights = Pick<Me, "permissions" | "limited">;

/** Whether the permission is held without a limit, or for anything at all. */
export function holds(rights: Rights, permission: string): boolean {
  return (
    rights.permissions.includes(permission) || rights.limited.some((part) => part.permissions.includes(permission))
  );
}

/** Held for some things, these open their page, which then shows those alone; the server gives the others to no one. */
const SHOWS_A_PART: ReadonlySet<string> = new Set([
  "app:read",
  "change:read",
  "insight:read",
  "token:create",
  "version:review",
  "version:submit",
]);

/** Whether any of the permissions that a page needs opens it; a page that needs none is open to everybody. */
export function opens(rights: Rights, needs: readonly string[]): boolean {
  return (
    needs.length === 0 ||
    needs.some((need) => (SHOWS_A_PART.has(need) ? holds(rights, need) : rights.permissions.includes(need)))
  );
}

/** Whether the permission is held for exactly this thing. A grant covers a thing when none of its limits differs. */
export function mayFor(rights: Rights, permission: string, thing: Thing): boolean {
  if (rights.permissions.includes(permission)) return true;
  return rights.limited.some(
    (part) =>
      part.permissions.includes(permission) &&
      fits(part.app, thing.app) &&
      fits(part.publisher, thing.publisher) &&
      fits(part.client_app, thing.clientApp),
  );
}

function fits(limit: string | null, value: string | undefined): boolean {
  return limit === null || limit === value;
}
