/**
 * @sampan/sdk/client, for mini-app developers: `import { sampan } from "@sampan/sdk/client"`. The object is the one
 * that the container puts on `window` before any script of the app runs; this module adds its types.
 */

import type { Sampan } from "./bridge/api";

export type { BridgeResponse, Sampan } from "./bridge/api";
export type {
  BridgeCode,
  BridgeEvents,
  EventName,
  FetchInit,
  Outcome,
  Payment,
  Position,
  Signing,
  Theme,
} from "./bridge/protocol";

declare global {
  interface Window {
    readonly sampan: Sampan;
  }
}

/** The bridge; absent outside the container, where `isInContainer` is false. */
export const sampan: Sampan = (globalThis as unknown as { sampan: Sampan }).sampan;

/** Whether this page runs inside the container. */
export const isInContainer: boolean = sampan !== undefined;

/** What a call is refused with. */
export interface SampanError extends Error {
  readonly code: import("./bridge/protocol").BridgeCode;
}

/** Whether a thrown value is a refusal of the bridge, with this code when one is given. */
export function isSampanError(thrown: unknown, code?: SampanError["code"]): thrown is SampanError {
  if (!(thrown instanceof Error) || thrown.name !== "BridgeError") return false;
  return code === undefined || (thrown as SampanError).code === code;
}
