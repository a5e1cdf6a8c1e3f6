/** Which calls need a permission of the signed manifest, and which of those the customer is asked about. Pure. */

import type { Permissions } from "../trust/types";
import type { MethodName } from "./protocol";

/** Free of permission: what concerns the app alone, and what the bank gave it to read. */
const FREE: ReadonlySet<MethodName> = new Set<MethodName>([
  "storage.get",
  "storage.set",
  "storage.remove",
  "storage.keys",
  "navigation.params",
  "navigation.close",
  "ui.title",
  "switches.get", // the switch itself names the apps that may read it
]);

/** The customer decides once per app; pay and sign are confirmed each time instead, in the bank's own words. */
const ASKED: ReadonlySet<MethodName> = new Set<MethodName>([
  "user.profile",
  "clipboard.read",
  "scan",
  "camera",
  "location",
]);

/** Money moves: refused while the device was out of touch for too long. */
const MONEY: ReadonlySet<MethodName> = new Set<MethodName>(["pay", "sign"]);

/** Whether the signed manifest lets the app call `method`; `network.fetch` is decided by its domains. */
export function isPermitted(method: MethodName, permissions: Permissions): boolean {
  if (FREE.has(method)) return true;
  if (method === "network.fetch") return permissions.network.length > 0;
  return permissions.bridge.includes(method);
}

export function needsConsent(method: MethodName): boolean {
  return ASKED.has(method);
}

export function movesMoney(method: MethodName): boolean {
  return MONEY.has(method);
}

/** Whether `url` is https and its host, with a port when there is one, is declared (`host`, `*.host`, `:port`). */
export function isDeclared(url: URL, domains: readonly string[]): boolean {
  return url.protocol === "https:" && domains.some((domain) => matches(url, domain));
}

function matches(url: URL, domain: string): boolean {
  const [host = "", port = ""] = domain.split(":");
  if (url.port !== (port === "443" ? "" : port)) return false;
  if (host.startsWith("*.")) return url.hostname.endsWith(host.slice(1)) && url.hostname.length > host.length - 1;
  return url.hostname === host;
}
