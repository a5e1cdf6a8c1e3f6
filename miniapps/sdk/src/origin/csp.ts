/**
 * The policies under which an app's documents run. Pure: signed permissions in, header values out.
 * The worker sets them on every answer, because an app cannot alter what its worker sends.
 */

import type { Permissions } from "../trust/types";

/** Bridge names that widen the policy itself; they are signed and reviewed like every other permission. */
export const DIRECT_NETWORK = "network.direct";
export const WEB_ASSEMBLY = "wasm";

/** Return the Content-Security-Policy of an app's files. */
export function appPolicy(permissions: Permissions, shellOrigins: readonly string[]): string {
  const has = (name: string) => permissions.bridge.includes(name);
  const direct = has(DIRECT_NETWORK) ? permissions.network.map(secure) : [];
  return policy({
    "default-src": ["'none'"],
    "script-src": ["'self'", ...(has(WEB_ASSEMBLY) ? ["'wasm-unsafe-eval'"] : [])],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:", "blob:"],
    "font-src": ["'self'", "data:"],
    "media-src": ["'self'", "data:", "blob:"],
    "connect-src": ["'self'", ...direct],
    "frame-src": permissions.webview.length > 0 ? permissions.webview.map(secure) : ["'none'"],
    "worker-src": ["'none'"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": shellOrigins,
  });
}

/** Return the policy of the boot page: it runs the script of this hash, and nothing of an app. */
export function bootPolicy(shellOrigins: readonly string[], scriptHash: string): string {
  return policy({
    "default-src": ["'none'"],
    "script-src": [`'sha256-${scriptHash}'`],
    "worker-src": ["'self'"],
    "connect-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": shellOrigins,
  });
}

/** Return the policy of the empty page: nothing loads and nothing runs. */
export function idlePolicy(shellOrigins: readonly string[]): string {
  return policy({
    "default-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": shellOrigins,
  });
}

/** Return the policy of a page that says why there is nothing to show: only the runtime runs. */
export function noticePolicy(shellOrigins: readonly string[]): string {
  return policy({
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'unsafe-inline'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": shellOrigins,
  });
}

/** Device capabilities go through the bridge, so no document of an app gets one from the browser. */
export const PERMISSIONS_POLICY = [
  "accelerometer",
  "camera",
  "clipboard-read",
  "clipboard-write",
  "display-capture",
  "geolocation",
  "gyroscope",
  "hid",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "publickey-credentials-get",
  "screen-wake-lock",
  "serial",
  "usb",
]
  .map((name) => `${name}=()`)
  .join(", ");

function policy(directives: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(" ")}`)
    .join("; ");
}

function secure(domain: string): string {
  return `https://${domain}`;
}
