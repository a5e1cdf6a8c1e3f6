/** `window.sampan`: the bridge as mini-app developers see it. Every method is one typed call. */

import type { BridgeClient } from "./client";
import type {
  BridgeEvents,
  EventName,
  FetchInit,
  Outcome,
  Payment,
  Position,
  Signing,
  SwitchValue,
  Theme,
} from "./protocol";

/** What `network.fetch` resolves with; the body is read as in a `Response`. */
export interface BridgeResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  bytes(): Uint8Array;
  text(): string;
  json(): unknown;
}

export interface Sampan {
  readonly storage: {
    /** Resolves with undefined when there is nothing under `key`. */
    get(key: string): Promise<unknown>;
    set(key: string, value: unknown): Promise<void>;
    remove(key: string): Promise<void>;
    keys(prefix?: string): Promise<readonly string[]>;
  };
  /** A one-time code that the app's own back end exchanges for an open id. Scopes: openid, tier, profile. */
  login(options?: { scopes?: readonly string[] }): Promise<{ code: string; expires_in: number }>;
  readonly user: { tier(): Promise<string>; profile(): Promise<Readonly<Record<string, unknown>>> };
  readonly network: { fetch(url: string, init?: FetchInit): Promise<BridgeResponse> };
  readonly navigation: {
    /** Open another mini-app; resolves with what it closes with. */
    open(app: string, params?: unknown): Promise<unknown>;
    close(result?: unknown): Promise<void>;
    params(): Promise<unknown>;
  };
  share(what: { title: string; text?: string; path?: string }): Promise<void>;
  readonly clipboard: { write(text: string): Promise<void>; read(): Promise<string> };
  scan(): Promise<{ text: string; format: string }>;
  camera(options?: { facing?: "user" | "environment" }): Promise<{ type: string; bytes: Uint8Array }>;
  location(): Promise<Position>;
  pay(payment: Payment): Promise<Outcome>;
  sign(signing: Signing): Promise<Outcome>;
  /** A switch that the bank lets this app read; without a network the last value known, with its age. */
  readonly switches: { get(key: string): Promise<SwitchValue> };
  readonly ui: { title(title: string): Promise<void> };
  theme(): Promise<Theme>;
  language(): Promise<string>;
  /** Listen; the returned function stops listening. */
  on<E extends EventName>(event: E, listener: (data: BridgeEvents[E]) => void): () => void;
}

/** Return the API over a client. Frozen: one script of an app cannot bend it for another. */
export function makeApi(client: BridgeClient): Sampan {
  let theme: Theme | undefined;
  let language: string | undefined;
  client.on("theme", (data) => {
    theme = data;
  });
  client.on("language", (data) => {
    language = data.language;
  });
  return deepFreeze<Sampan>({
    storage: {
      get: async (key) => (await client.call("storage.get", { key })).value,
      set: async (key, value) => void (await client.call("storage.set", { key, value })),
      remove: async (key) => void (await client.call("storage.remove", { key })),
      keys: (prefix = "") => client.call("storage.keys", { prefix }),
    },
    login: (options = {}) => client.call("login", { scopes: options.scopes ?? ["openid"] }),
    user: {
      tier: async () => (await client.call("user.tier", {})).tier,
      profile: () => client.call("user.profile", {}),
    },
    network: {
      fetch: async (url, init = {}) => response(await client.call("network.fetch", { ...init, url: String(url) })),
    },
    navigation: {
      open: (app, params) => client.call("navigation.open", { app, params }),
      close: async (result) => void (await client.call("navigation.close", { result })),
      params: () => client.call("navigation.params", {}),
    },
    share: async (what) => void (await client.call("share", what)),
    clipboard: {
      write: async (text) => void (await client.call("clipboard.write", { text })),
      read: async () => (await client.call("clipboard.read", {})).text,
    },
    scan: () => client.call("scan", {}),
    camera: (options = {}) => client.call("camera", options),
    location: () => client.call("location", {}),
    pay: (payment) => client.call("pay", payment),
    sign: (signing) => client.call("sign", signing),
    switches: { get: (key) => client.call("switches.get", { key }) },
    ui: { title: async (title) => void (await client.call("ui.title", { title })) },
    theme: async () => theme ?? (await client.welcome).theme,
    language: async () => language ?? (await client.welcome).language,
    on: (event, listener) => client.on(event, listener),
  });
}

function response({
  status,
  headers,
  body,
}: {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}): BridgeResponse {
  const text = () => new TextDecoder().decode(body);
  return {
    ok: status >= 200 && status < 300,
    status,
    headers,
    bytes: () => body,
    text,
    json: () => JSON.parse(text()),
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) if (typeof child === "object" && child !== null) deepFreeze(child);
  return Object.freeze(value);
}
