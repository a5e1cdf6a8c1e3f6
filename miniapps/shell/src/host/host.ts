import type { Key, Text } from "../i18n";

/** What the pages know of the platform; `browser_host.ts` is the one that runs on the SDK. */

export const TIERS = ["visitor", "registered", "e_account", "full"] as const;
export type Tier = (typeof TIERS)[number];

export interface CatalogueApp {
  id: string;
  name: Text;
  text: Text;
  category: string;
  icon: string | null;
  mayOpen: boolean;
  /** The least tier that opens it, where the server says. */
  neededTier: Tier | null;
  installed: { version: string; sequence: number; digest: string } | null;
  hasUpdate: boolean;
}

/** A newer version of the shell itself; a reminder can be put off, a forced one holds while the bank can be reached. */
export interface Upgrade {
  version: string;
  isForced: boolean;
  url: string;
  text: Text;
  release: string;
}

export interface Snapshot {
  phase: "starting" | "ready" | "unreachable";
  demo: boolean;
  online: boolean;
  tier: Tier;
  customer: { name: string; phone: string } | null;
  /** False until the bank's catalogue was here once. */
  hasCatalogue: boolean;
  apps: readonly CatalogueApp[];
  categories: readonly { id: string; name: Text }[];
  recents: readonly string[];
  /** The app that is being written, and the customer of its mocks, while `sampan dev` runs. */
  workbench: { app: string; phone: string } | null;
  upgrade: Upgrade | null;
}

export interface DeviceRow {
  id: string;
  isThis: boolean;
  platform: string;
  model: string;
  lastSeenMs: number;
}

export interface Consent {
  app: string;
  permission: string;
  grantedMs: number;
}

/** One line of the developer panel's lists. */
export interface DeveloperLine {
  atMs: number;
  kind: "permission" | "network" | "console" | "error";
  text: string;
  isProblem: boolean;
  /** What the bank's log has a call under. */
  trace?: string;
  /** How often it was said in a row. */
  times?: number;
}

/** One fact of the developer panel; `says` is a value that is told in words. */
export interface Fact {
  name: Key;
  value: string;
  says?: Key;
}

/** What became of one permission since the page was opened; `isAsked` when the signed manifest asks for it. */
export interface PermissionUse {
  name: string;
  isAsked: boolean;
  /** Open to every app, whatever its manifest says. */
  isFree: boolean;
  used: number;
  refused: number;
}

/** A line of a release's rule, as deep as it stands; only what is public is told with words and value. */
export interface WhyCondition {
  depth: number;
  outcome: boolean | null;
  says: Readonly<Record<"zh" | "en", string>>;
  seen: string;
  isClaimed: boolean;
}

/** A release that offers the app, and why this device gets its version or not. */
export interface WhyRelease {
  version: string;
  sequence: number;
  reason: Key | null;
  isGiven: boolean;
  conditions: readonly WhyCondition[];
}

export interface DeveloperFacts {
  facts: readonly Fact[];
  why: readonly WhyRelease[];
  permissions: readonly PermissionUse[];
}

/** Why an app could not open: a stable code and what the customer reads. */
export interface Refusal {
  code: string;
  detail: string;
}

/** Where one open app is. `newer` is a version that waits until the app is opened anew. */
export interface AppPhase {
  step: "closed" | "installing" | "opening" | "running" | "refused";
  refusal?: Refusal;
  newer?: string;
}

/** A payment or a signature that the customer confirms in the shell's own words. */
export interface Confirmation {
  kind: "pay" | "sign";
  title: string;
  order: string;
  amount: { minor: number; currency: string } | null;
}

/** What the host asks the customer. */
export interface Asker {
  consent(app: CatalogueApp, permission: string): Promise<boolean>;
  confirm(app: CatalogueApp, what: Confirmation): Promise<boolean>;
}

/** Where a version on trial stands for customers: `unknown` when the signed tree could not be read. */
export type TrialState = "unknown" | "unpublished" | "published" | "killed";

/** The name under which a trial of an app has its phase and its place, beside the app's own. */
export const trialKey = (app: string): string => `trial/${app}`;

export interface Host {
  subscribe(listener: () => void): () => void;
  snapshot(): Snapshot;
  phase(app: string): AppPhase;
  start(): Promise<void>;
  /** The one element that all apps' frames live in; it never moves, since a moved frame begins anew. */
  stageAt(element: HTMLElement): void;
  /** Ask for a one-time code; in the demo the answer is the code itself. */
  askCode(phone: string): Promise<string | null>;
  signIn(phone: string, code: string): Promise<void>;
  signOut(): Promise<void>;
  raiseTo(tier: Tier): Promise<void>;
  devices(): Promise<readonly DeviceRow[]>;
  signOutDevice(id: string): Promise<void>;
  consents(): Promise<readonly Consent[]>;
  withdraw(app: string, permission: string): Promise<void>;
  /** Open an app or bring it to the front; how it goes is told by `phase`. */
  open(app: string): Promise<void>;
  /** Who this browser is to the bank, so that it can be named as a tester. */
  deviceId(): Promise<string>;
  /** What the customers' tree says of a version; it never rejects. */
  trialState(app: string, sequence: number): Promise<TrialState>;
  /** Open a version that is on trial for this customer or device; its phase is told under `trialKey(app)`. */
  openTrial(app: string, sequence: number): Promise<void>;
  closeTrial(): void;
  /** A finger is on the app's icon: what can begin before it opens begins. */
  warm(app: string): void;
  /** Remind of the shell's newer version later. */
  putOffUpgrade(): void;
  /** Another page is in front; the app goes on. */
  hide(app: string): void;
  close(app: string): void;
  clearData(app: string): Promise<void>;
  report(app: string, reason: string, text: string): Promise<void>;
  /** An empty id asks for the shell itself. */
  developer(app: string): Promise<DeveloperFacts>;
  /** What happened in an app, the newest first; the same list until there is more. */
  lines(app: string): readonly DeveloperLine[];
  askBy(asker: Asker): void;
  /** Appearance and language, handed on to running apps. */
  present(appearance: "light" | "dark", language: "zh" | "en", isLarge: boolean): void;
}
