/** What somebody may do, as the server told. Pure. The server decides anew at every request; this only hides doors. */

import type { Me } from "../api/types";

export type Thing = { app?: string; publisher?: string; clientApp?: string };
export type Rights = Pick<Me, "permissions" | "limited">;

/** Whether the permission is held without a limit, or for anything at all: enough to show a page. */
export function holds(rights: Rights, permission: string): boolean {
  return (
    rights.permissions.includes(permission) || rights.limited.some((part) => part.permissions.includes(permission))
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
