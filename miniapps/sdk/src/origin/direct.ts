/**
 * Opening without the boot page: the address of the app's page says which version the shell wants, and the worker
 * answers with the page only when it has just proved that very version. The runtime takes the word out of the address.
 */

import type { Wanted } from "./messages";

const NAME = "sampan-open";
/** An empty page of the origin, which keeps its process. */
export const IDLE = "/__idle";
/** Told in place of the page when the boot page must be asked instead; it is no refusal of anything. */
export const NOT_READY = "not_ready";

/** A name for a wanted version with all that goes with it: the SHA-256 of what the shell orders, in hex. */
export async function keyOf(wanted: Wanted): Promise<string> {
  const told = new TextEncoder().encode(JSON.stringify(wanted));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", told));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return the address of a page, with a query or fragment or without, that asks for this version. */
export function directAddress(page: string, key: string): string {
  const at = page.indexOf("#");
  const [path, fragment] = at < 0 ? [page, ""] : [page.slice(0, at), page.slice(at)];
  return `${path}${path.includes("?") ? "&" : "?"}${NAME}=${key}${fragment}`;
}

/** Return the version that an address asks for, or null. */
export function askedKey({ search }: { readonly search: string }): string | null {
  return KEY.exec(search)?.[1] ?? null;
}

/** Return the address as the app knows it, or null when it asks for no version. */
export function plainAddress({ pathname, search, hash }: Location | URL): string | null {
  return KEY.test(search) ? pathname + search.replace(KEY, "") + hash : null;
}

/** Always the last member, as `directAddress` writes it. */
const KEY = new RegExp(`[?&]${NAME}=([0-9a-f]{64})$`);
