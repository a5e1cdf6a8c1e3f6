/** @sampan/sdk for shells: everything a web super-app needs. Mini-apps import from `@sampan/sdk/client` instead. */

export { BridgeError } from "./bridge/errors";
export { isPermitted } from "./bridge/permissions";
export type { BridgeCode, MethodName, Outcome, Payment, Position, Signing, Theme } from "./bridge/protocol";
export { asBridgeError, SessionServer } from "./container/bank_server";
export { browserCapabilities, type PickPicture } from "./container/capabilities";
export { type AskConsent, Consents } from "./container/consents";
export { Container, type OpenOptions } from "./container/container";
export { appOrigin, type OriginKind, originLabel } from "./container/label";
export { type FreshOptions, openFresh } from "./container/open_fresh";
export type {
  BankServer,
  Capabilities,
  Confirmation,
  ConsentPort,
  ContainerEvents,
  ContainerPorts,
  ContainerSettings,
  Report,
  ShellUi,
} from "./container/ports";
export { type ContainerCode, ContainerProblem, codeOf } from "./container/problem";
export { type Sampan, type ShellFacts, type StartOptions, startSampan } from "./container/start";
export { startTrial, type TrialFacts } from "./container/trial";
export { httpTree } from "./download/http";
export { type EventNames, EventQueue } from "./events/queue";
export { rootBytes } from "./origin/config";
export { type Answer, Calls, ServerAway, ServerSaysNo } from "./session/calls";
export { Session } from "./session/session";
export type { Tier } from "./session/tokens";
export { IndexedDbStore } from "./store/indexed-db";
export { type AppState, type Installed, versionName } from "./store/installed";
export { memoryLocks, webLocks } from "./store/locks";
export { MemoryStore } from "./store/memory";
export { metadataStore } from "./store/metadata";
export { PackageStore } from "./store/packages";
export type { Store } from "./store/store";
export { Switches } from "./switches/switches";
export type { Catalogue, CatalogueItem, Category } from "./sync/answer";
export { Device, type Hint } from "./sync/device";
export { type Happening, type Profile, type Round, SyncClient } from "./sync/sync-client";
export * from "./trust/index";
