/** What is remembered of an app on this device, and the only ways in which it changes. Pure. */

/** A version on this device; `isConfirmed` once it has booted. */
export interface Installed {
  readonly sequence: number;
  readonly version: string;
  /** `sha256:<hex>` of its index. */
  readonly digest: string;
  readonly isConfirmed: boolean;
}

/** `highest` counts from the switch on, `highestStarted` from the first boot. */
export interface AppState {
  readonly current: Installed | null;
  /** The version before, until the current one has booted. */
  readonly kept: Installed | null;
  readonly highest: number;
  readonly highestStarted: number;
  /** Digests of packages that failed to boot here. */
  readonly failed: readonly string[];
  /** Starts of a version that has not booted yet. */
  readonly boots: number;
}

export const NOTHING: AppState = { current: null, kept: null, highest: 0, highestStarted: 0, failed: [], boots: 0 };

/** A version that did not report a boot after so many starts gives way to the kept one. */
export const MAX_BOOTS = 3;

/** A staged version becomes the current one; the present one is kept until the new one has booted. */
export function switched(state: AppState, next: Installed): AppState {
  const now = state.current;
  if (now !== null && now.digest === next.digest) return state;
  const kept = now?.isConfirmed ? now : state.kept;
  return { ...state, current: next, kept, highest: Math.max(state.highest, next.sequence), boots: 0 };
}

/** Count a start of a version that has not booted yet, before it runs. */
export function bootBegun(state: AppState): AppState {
  if (state.current === null || state.current.isConfirmed) return state;
  return { ...state, boots: state.boots + 1 };
}

/** The current version has booted: it counts as started, and the kept one goes. */
export function confirmed(state: AppState): AppState {
  if (state.current === null || state.current.isConfirmed) return state;
  const highestStarted = Math.max(state.highestStarted, state.current.sequence);
  return { ...state, current: { ...state.current, isConfirmed: true }, kept: null, highestStarted, boots: 0 };
}

/** Go back to the kept version and never take the failing package again; the caller has asked the rule. */
export function reverted(state: AppState): AppState {
  if (state.current === null || state.kept === null) return state;
  const failed = [...new Set([...state.failed, state.current.digest])].sort();
  return { ...state, current: state.kept, kept: null, failed, boots: 0 };
}

/** The packages go; what was installed once stays remembered. */
export function removed(state: AppState): AppState {
  return { ...state, current: null, kept: null, boots: 0 };
}
