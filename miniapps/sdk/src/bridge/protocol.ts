/**
 * What a mini-app's page and the shell say to each other. docs/protocols/bridge.md tells the same in words.
 * Every message is plain data over one MessagePort per document; a document gets its port for one hello.
 */

export const BRIDGE_VERSION = 1;

export type BridgeCode =
  | "permission_denied"
  | "consent_refused"
  | "not_available"
  | "bad_argument"
  | "too_large"
  | "offline"
  | "timeout"
  | "app_not_found"
  | "too_many_calls"
  | "not_signed_in"
  | "refused"
  | "failed";

/** Runtime -> parent window, once per document and to the shell's exact origin. */
export interface Hello {
  readonly sampan: "hello";
  readonly nonce: string;
  readonly version: number;
  readonly sequence: number;
  readonly digest: string;
  /** Set by the page that stands in for a refused file. */
  readonly refused?: string;
  readonly path?: string;
}

/** Shell -> document, with the port, to the app's exact origin. */
export interface PortGrant {
  readonly sampan: "port";
  readonly nonce: string;
}

export interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: unknown;
}

/** Something the runtime tells; it gets no answer. */
export type Note =
  | { readonly note: "boot"; readonly milliseconds: number }
  | { readonly note: "white_screen"; readonly milliseconds: number }
  | {
      readonly note: "script_error";
      readonly message: string;
      readonly source: string;
      readonly line: number;
      readonly column: number;
      readonly stack: string;
    }
  | { readonly note: "resource_failed"; readonly kind: string; readonly path: string }
  | { readonly note: "csp_refused"; readonly directive: string; readonly blocked: string }
  | { readonly note: "file_refused"; readonly code: string; readonly path: string }
  | { readonly note: "worker_removed" }
  | { readonly note: "console"; readonly level: string; readonly text: string };

/** "Are you there", and "yes": a page whose script hangs or whose process died gives no answer. */
export interface Ping {
  readonly ping: true;
}
export interface Pong {
  readonly pong: true;
}

export type ToHost = Call | Note | Pong;

export interface CallError {
  readonly code: BridgeCode;
  readonly message: string;
}

export type Answer =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: CallError };

/** What happens around an app, in the words of the W3C lifecycle, and what changes in the shell. */
export interface BridgeEvents {
  launch: { readonly params: unknown };
  show: { readonly params: unknown };
  hide: Record<string, never>;
  error: { readonly message: string };
  theme: Theme;
  language: { readonly language: string };
}

export type EventName = keyof BridgeEvents;

export interface EventMessage {
  readonly event: EventName;
  readonly data: BridgeEvents[EventName];
}

/** First message on a port: what the page may know at once. */
export interface Welcome {
  readonly welcome: {
    readonly app: string;
    readonly theme: Theme;
    readonly language: string;
    readonly params: unknown;
    /** Whether the shell wants every console line (developer mode). */
    readonly debug: boolean;
  };
}

export type ToApp = Answer | EventMessage | Welcome | Ping;

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

export interface FetchAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Payment {
  readonly order: string;
  readonly amount: { readonly value_minor: number; readonly currency: string };
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

/** The value of a switch, and how long ago it was last known to be the present one. */
export interface SwitchValue {
  readonly value: unknown;
  readonly variant: string;
  readonly age_seconds: number;
}

export interface Position {
  readonly latitude: number;
  readonly longitude: number;
  /** Metres. */
  readonly accuracy: number;
}

/** Each method with its argument and its result. The argument is always one object. */
export interface BridgeMethods {
  "storage.get": { args: { key: string }; result: { value: unknown } };
  "storage.set": { args: { key: string; value: unknown }; result: null };
  "storage.remove": { args: { key: string }; result: null };
  "storage.keys": { args: { prefix?: string }; result: readonly string[] };
  login: { args: { scopes: readonly string[] }; result: { code: string; expires_in: number } };
  "user.tier": { args: Record<string, never>; result: { tier: string } };
  "user.profile": { args: Record<string, never>; result: Readonly<Record<string, unknown>> };
  "network.fetch": { args: { url: string } & FetchInit; result: FetchAnswer };
  "navigation.open": { args: { app: string; params?: unknown }; result: unknown };
  "navigation.close": { args: { result?: unknown }; result: null };
  "navigation.params": { args: Record<string, never>; result: unknown };
  share: { args: { title: string; text?: string; path?: string }; result: null };
  "clipboard.write": { args: { text: string }; result: null };
  "clipboard.read": { args: Record<string, never>; result: { text: string } };
  scan: { args: Record<string, never>; result: { text: string; format: string } };
  camera: { args: { facing?: "user" | "environment" }; result: { type: string; bytes: Uint8Array } };
  location: { args: Record<string, never>; result: Position };
  pay: { args: Payment; result: Outcome };
  sign: { args: Signing; result: Outcome };
  "switches.get": { args: { key: string }; result: SwitchValue };
  "ui.title": { args: { title: string }; result: null };
}

export type MethodName = keyof BridgeMethods;
export type ArgsOf<M extends MethodName> = BridgeMethods[M]["args"];
export type ResultOf<M extends MethodName> = BridgeMethods[M]["result"];
