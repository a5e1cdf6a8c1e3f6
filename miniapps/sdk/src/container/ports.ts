/** What the container needs of the shell around it. Everything the customer sees or decides is the shell's. */

import type {
  FetchAnswer,
  FetchInit,
  Outcome,
  Payment,
  Position,
  Signing,
  SwitchValue,
  Theme,
} from "../bridge/protocol";
import type { TreeSource } from "../download/http";
import type { Store } from "../store/store";
import type { Device } from "../sync/device";
import type { OriginKind } from "./label";

/** Calls to the bank's server in the customer's session. They throw `BridgeError`: `offline`, `refused`, ... */
export interface BankServer {
  login(app: string, sequence: number, scopes: readonly string[]): Promise<{ code: string; expires_in: number }>;
  tier(): Promise<string>;
  profile(app: string, sequence: number): Promise<Readonly<Record<string, unknown>>>;
  fetch(app: string, sequence: number, url: string, init: FetchInit): Promise<FetchAnswer>;
  pay(app: string, sequence: number, payment: Payment): Promise<Outcome>;
  sign(app: string, sequence: number, signing: Signing): Promise<Outcome>;
}

/** Whether the customer lets an app use something; asks when that was never decided. */
export interface ConsentPort {
  allows(app: string, permission: string): Promise<boolean>;
}

/** What a device can do. Each throws `BridgeError("not_available")` where it cannot. */
export interface Capabilities {
  share(app: string, what: { title: string; text?: string; path?: string }): Promise<void>;
  writeClipboard(text: string): Promise<void>;
  readClipboard(): Promise<string>;
  scan(): Promise<{ text: string; format: string }>;
  camera(facing: "user" | "environment"): Promise<{ type: string; bytes: Uint8Array }>;
  location(): Promise<Position>;
}

/** What mini-apps may read of the bank's switches. */
export interface SwitchPort {
  read(app: string, key: string): Promise<SwitchValue>;
}

/** The shell's user interface. */
export interface ShellUi {
  /** Return the element that the app's frame goes into; called once for each opening. */
  mount(app: string): HTMLElement;
  /** The app is closed or gave way to another; its element may go. */
  unmount(app: string): void;
  title(app: string, title: string): void;
  /** The customer confirms a payment or a signature in the shell's own words, each time. */
  confirm(app: string, what: Confirmation): Promise<boolean>;
}

export type Confirmation =
  | { readonly kind: "pay"; readonly payment: Payment }
  | { readonly kind: "sign"; readonly signing: Signing };

/** An event for the durable queue (docs/protocols/events.md). */
export interface Report {
  readonly type: string;
  readonly app: string;
  readonly sequence: number;
  /** Of the package, when it is a version with hotfixes. */
  readonly digest?: string;
  readonly attrs: Readonly<Record<string, string | number | boolean>>;
}

export interface ContainerPorts {
  readonly device: Device;
  /** Where the signed tree is fetched from; the device's own. */
  readonly source: TreeSource;
  /** For apps' own small data and for what the container remembers of them. */
  readonly store: Store;
  readonly server: BankServer;
  readonly consents: ConsentPort;
  readonly capabilities: Capabilities;
  readonly switches: SwitchPort;
  readonly ui: ShellUi;
  /** Whether what is installed of an app must be updated before it opens. Default: no. */
  readonly mustUpdate?: (app: string) => Promise<boolean>;
  readonly report: (event: Report) => void;
  readonly now: () => number;
}

export interface ContainerSettings {
  readonly workspace: string;
  /** `apps_origin` of `GET /client/v1/shell`. */
  readonly appsOrigin: string;
  readonly kind: OriginKind;
  readonly theme: Theme;
  readonly language: string;
  /** Developer mode: consoles are relayed. */
  readonly isDebugging?: boolean;
}

/** What the container tells the shell. */
export interface ContainerEvents {
  /** A newer version is here; it opens when the app is next opened. */
  "version-ready": { readonly app: string; readonly version: string; readonly sequence: number };
  /** The app shows its first content. */
  booted: {
    readonly app: string;
    readonly sequence: number;
    readonly digest: string;
    /** From `open` to the first content. */
    readonly milliseconds: number;
  };
  /** A version that waited for the app to close is the current one now. */
  installed: { readonly app: string; readonly sequence: number; readonly digest: string };
  /** Something stored was not what was signed, or a rule forbids to open. */
  refused: { readonly app: string; readonly code: string; readonly path: string };
  /** The origin was repaired from the shell's copy. */
  healed: { readonly app: string; readonly code: string };
  /** A version did not start or fell over; `revertedTo` is the sequence that opens instead, if any. */
  crashed: {
    readonly app: string;
    readonly sequence: number;
    readonly digest: string;
    readonly code: string;
    readonly revertedTo: number | null;
  };
  closed: { readonly app: string };
  /** For the developer panel: every call with its outcome, and what the app wrote to its console. */
  call: { readonly app: string; readonly method: string; readonly code: string | null };
  console: { readonly app: string; readonly level: string; readonly text: string };
  /** What is wrong in the app's page: an error, a resource that is missing, a refusal by its policy. */
  trouble: { readonly app: string; readonly text: string };
}
