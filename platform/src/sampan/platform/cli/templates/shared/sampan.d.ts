// Types of the bridge, made from @sampan/sdk/client. Every method is described in docs/protocols/bridge.md.
// Use them with `import type { Sampan } from "@sampan/sdk/client"`; the object itself is window.sampan.
declare module "@sampan/sdk/client" {
  export type BridgeCode = "permission_denied" | "consent_refused" | "not_available" | "bad_argument" | "too_large" | "offline" | "timeout" | "app_not_found" | "too_many_calls" | "not_signed_in" | "refused" | "failed";
  /** What happens around an app, in the words of the W3C lifecycle, and what changes in the shell. */
  export interface BridgeEvents {
    launch: {
      readonly params: unknown;
    };
    show: {
      readonly params: unknown;
    };
    hide: Record<string, never>;
    error: {
      readonly message: string;
    };
    theme: Theme;
    language: {
      readonly language: string;
    };
  }
  export type EventName = keyof BridgeEvents;
  export interface Theme {
    readonly scheme: "light" | "dark";
    /** 1 is normal; the elder mode has more. */
    readonly fontScale: number;
    readonly accent?: string;
  }
  export interface FetchInit {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
  }
  export interface Payment {
    readonly order: string;
    readonly amount: {
      readonly value_minor: number;
      readonly currency: string;
    };
    readonly title: string;
  }
  export interface Signing {
    readonly order: string;
    readonly title: string;
    /** What is signed: a digest of the document, `sha256:<hex>`. */
    readonly digest: string;
  }
  export interface Outcome {
    readonly status: string;
    readonly reference: string;
  }
  export interface Position {
    readonly latitude: number;
    readonly longitude: number;
    /** Metres. */
    readonly accuracy: number;
  }
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
    login(options?: {
      scopes?: readonly string[];
    }): Promise<{
      code: string;
      expires_in: number;
    }>;
    readonly user: {
      tier(): Promise<string>;
      profile(): Promise<Readonly<Record<string, unknown>>>;
    };
    readonly network: {
      fetch(url: string, init?: FetchInit): Promise<BridgeResponse>;
    };
    readonly navigation: {
      /** Open another mini-app; resolves with what it closes with. */
      open(app: string, params?: unknown): Promise<unknown>;
      close(result?: unknown): Promise<void>;
      params(): Promise<unknown>;
    };
    share(what: {
      title: string;
      text?: string;
      path?: string;
    }): Promise<void>;
    readonly clipboard: {
      write(text: string): Promise<void>;
      read(): Promise<string>;
    };
    scan(): Promise<{
      text: string;
      format: string;
    }>;
    camera(options?: {
      facing?: "user" | "environment";
    }): Promise<{
      type: string;
      bytes: Uint8Array;
    }>;
    location(): Promise<Position>;
    pay(payment: Payment): Promise<Outcome>;
    sign(signing: Signing): Promise<Outcome>;
    /** A switch that the bank lets this app read; without a network the last value known, with its age. */
    readonly switches: {
      get(key: string): Promise<SwitchValue>;
    };
    readonly ui: {
      title(title: string): Promise<void>;
    };
    theme(): Promise<Theme>;
    language(): Promise<string>;
    /** Listen; the returned function stops listening. */
    on<E extends EventName>(event: E, listener: (data: BridgeEvents[E]) => void): () => void;
  }
  /** What a call is refused with. */
  export interface SampanError extends Error {
    readonly code: BridgeCode;
  }
}

interface Window {
  /** The bridge; absent outside the container. */
  readonly sampan?: import("@sampan/sdk/client").Sampan;
}
