/** What stands behind the bridge in a preview: answers that touch no customer, no bank and no network. */

import { BridgeError } from "../bridge/errors";
import type { Methods } from "../bridge/methods";

const MAX_KEYS = 1_000;
/** Somewhere that is nobody's place: the middle of Beijing, to a kilometre. */
const POSITION = { latitude: 39.9042, longitude: 116.4074, accuracy: 1_000 };

/** Return the methods of one preview; what an app stores is forgotten with it. */
export function mockMethods(): Methods {
  const kept = new Map<string, unknown>();
  return {
    "storage.get": async ({ key }) => ({ value: kept.get(key) }),
    "storage.set": async ({ key, value }) => {
      if (!kept.has(key) && kept.size >= MAX_KEYS) throw new BridgeError("too_large", `At most ${MAX_KEYS} keys.`);
      kept.set(key, value);
      return null;
    },
    "storage.remove": async ({ key }) => {
      kept.delete(key);
      return null;
    },
    "storage.keys": async ({ prefix = "" }) => [...kept.keys()].filter((key) => key.startsWith(prefix)),
    login: async () => ({ code: "preview", expires_in: 60 }),
    "user.tier": async () => ({ tier: "full" }),
    "user.profile": async () => ({ name_masked: "预*", phone_masked: "138****0000" }),
    "network.fetch": () => absent("The preview calls no server."),
    "navigation.open": () => absent("The preview opens no other app."),
    "navigation.close": async () => null,
    "navigation.params": async () => null,
    share: async () => null,
    "clipboard.write": async () => null,
    "clipboard.read": async () => ({ text: "preview" }),
    scan: async () => ({ text: "preview", format: "qr_code" }),
    camera: () => absent("The preview has no camera."),
    location: async () => POSITION,
    pay: async ({ order }) => ({ status: "paid", reference: `preview-${order}` }),
    sign: async ({ order }) => ({ status: "signed", reference: `preview-${order}` }),
    "switches.get": () => absent("The preview asks for no switches."),
    "ui.title": async () => null,
  };
}

async function absent(why: string): Promise<never> {
  throw new BridgeError("not_available", why);
}
