/** The shape of each method's argument. What passes is what the method's type says, and nothing beside it. */

import { BridgeError } from "./errors";
import type { MethodName } from "./protocol";

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const text =
  (most: number, least = 0): Check =>
  (value) =>
    typeof value === "string" && value.length >= least && value.length <= most;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const anything: Check = () => true;
const oneOf =
  (...allowed: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && allowed.includes(value);

const KEY = text(256, 1);
const APP: Check = (value) =>
  typeof value === "string" && /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(value) && value.length <= 128;
const SCOPES: Check = (value) =>
  Array.isArray(value) && value.length <= 8 && value.every(oneOf("openid", "tier", "profile"));
const HEADERS: Check = (value) =>
  isPlain(value) && Object.keys(value).length <= 32 && Object.values(value).every(text(4_096));
const BODY: Check = (value) => typeof value === "string" || value instanceof Uint8Array;
const AMOUNT: Check = (value) =>
  isPlain(value) &&
  Number.isSafeInteger(value.value_minor) &&
  (value.value_minor as number) > 0 &&
  typeof value.currency === "string" &&
  /^[A-Z]{3}$/.test(value.currency);

const SHAPES: Readonly<Record<MethodName, Shape>> = {
  "storage.get": { key: KEY },
  "storage.set": { key: KEY, value: anything },
  "storage.remove": { key: KEY },
  "storage.keys": { prefix: optional(text(256)) },
  login: { scopes: SCOPES },
  "user.tier": {},
  "user.profile": {},
  "network.fetch": {
    url: text(4_096, 1),
    method: optional(oneOf("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")),
    headers: optional(HEADERS),
    body: optional(BODY),
  },
  "navigation.open": { app: APP, params: anything },
  "navigation.close": { result: anything },
  "navigation.params": {},
  share: { title: text(200, 1), text: optional(text(2_000)), path: optional(text(1_024)) },
  "clipboard.write": { text: text(65_536) },
  "clipboard.read": {},
  scan: {},
  camera: { facing: optional(oneOf("user", "environment")) },
  location: {},
  pay: { order: text(128, 1), amount: AMOUNT, title: text(200, 1) },
  sign: { order: text(128, 1), title: text(200, 1), digest: (value) => /^sha256:[0-9a-f]{64}$/.test(String(value)) },
  "switches.get": { key: text(100, 1) },
  "ui.title": { title: text(100) },
};

/** Return the argument with its known members alone. Throws `bad_argument` and names the member. */
export function checkArgs(method: MethodName, args: unknown): Readonly<Record<string, unknown>> {
  if (args !== undefined && !isPlain(args)) throw new BridgeError("bad_argument", `${method} takes one object.`);
  const given = args ?? {};
  const checked: Record<string, unknown> = {};
  for (const [name, check] of Object.entries(SHAPES[method])) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (!check(value)) throw new BridgeError("bad_argument", `${method}: \`${name}\` is missing or not as documented.`);
    if (value !== undefined) checked[name] = value;
  }
  return checked;
}

/** Every method of the bridge. */
export const METHOD_NAMES = Object.keys(SHAPES) as readonly MethodName[];

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
