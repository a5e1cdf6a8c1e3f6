/** What is remembered of an app on this device, and the only ways in which it changes. Pure. */

/** A version on this device; `isConfirmed` once it has booted. */
export interface Installed {
  readonly sequence: number;
  readonly version: string;
  /** `sha256:<hex>` of its index. */
  readonly digest: string;
  readonly isConfirmed: boolean;
  /** The numbers of the hotfixes in it, rising, as control lists them; none when left out. */
  readonly patches?: readonly string[];
}

/** Whether it is a version with hotfixes on it. */
export const isPatched = (installed: Installed | null): installed is Installed => (installed?.patches?.length ?? 0) > 0;

/** The version's name, with the number of its last hotfix where it has any, as releases name it: `1.0.2+3`. */
export const versionName = ({ version, patches = [] }: Installed): string => [version, ...patches.slice(-1)].join("+");

/** `highest` counts from the switch on, `highestStarted` from the first boot. */
export interface AppState {
  readonly current: Installed | null;
  /** The version before, until the current one has booted. */
  readonly kept: Installed | null;
  /** The version without hotfixes, on disk as long as the current or the kept one is that version with some. */
  readonly base: Installed | null;
  readonly highest: number;
  readonly highestStarted: number;
  /** Digests of packages that failed to boot here. */
  readonly failed: readonly string[];
  /** Starts of a version that has not booted yet. */
  readonly boots: number;
}

export const NOTHING: AppState = {
  current: null,
  kept: null,
  base: null,
  highest: 0,
  highestStarted: 0,
  failed: [],
  boots: 0,
};

/** A version that did not report a boot after so many starts gives way to the kept one. */
export const MAX_BOOTS = 3;

/** A staged version becomes the current one; the present one is kept until the new one has booted. */
export function switched(state: AppState, next: Installed): AppState {
  const now = state.current;
  if (now !== null && now.digest === next.digest) return state;
  const last = now?.isConfirmed ? now : state.kept;
  const before = last?.digest === next.digest ? null : last;
  const own = isPatched(next) ? patchable(state, next.sequence) : null;
  // There is room for one base: next to a patched version an earlier one is kept as it was without its hotfixes.
  const isOther = own !== null && isPatched(before) && before.sequence !== own.sequence;
  const kept = (isOther ? baseOf(state, before) : before) ?? own;
  const base = own ?? baseOf(state, kept);
  return { ...state, current: next, kept, base, highest: Math.max(state.highest, next.sequence), boots: 0 };
}

/** What hotfixes for this sequence go on: the current version without those that it has; null when it is another one. */
export function patchable(state: AppState, sequence: number): Installed | null {
  return state.current?.sequence === sequence ? unpatched(state, sequence) : null;
}

/** The hotfixes of the current version are withdrawn: its base runs again, and nothing of them is kept. */
export function withdrawn(state: AppState): AppState {
  const { current, kept, base } = state;
  if (!isPatched(current) || base === null) return state;
  return { ...state, current: base, kept: kept?.sequence === base.sequence ? null : kept, base: null, boots: 0 };
}

/** What the failing version may give way to, the best first: the kept one, or what runs when hotfixes are left out. */
export const waysBack = ({ kept, base }: AppState): Installed[] => [kept, base].filter((each) => each !== null);

/** Count a start of a version that has not booted yet, before it runs. */
export function bootBegun(state: AppState): AppState {
  if (state.current === null || state.current.isConfirmed) return state;
  return { ...state, boots: state.boots + 1 };
}

/** The current version has booted: it counts as started, and the kept one goes. */
export function confirmed(state: AppState): AppState {
  if (state.current === null || state.current.isConfirmed) return state;
  const highestStarted = Math.max(state.highestStarted, state.current.sequence);
  const current = { ...state.current, isConfirmed: true };
  return { ...state, current, kept: null, base: baseOf(state, current), highestStarted, boots: 0 };
}

/** Go back to one of the `waysBack` and never take the failing package again; the caller has asked the rule. */
export function reverted(state: AppState, to: Installed): AppState {
  if (state.current === null) return state;
  const failed = [...new Set([...state.failed, state.current.digest])].sort();
  return { ...state, current: to, kept: null, base: baseOf(state, to), failed, boots: 0 };
}

/** The packages go; what was installed once stays remembered. */
export function removed(state: AppState): AppState {
  return { ...state, current: null, kept: null, base: null, boots: 0 };
}

/** The version of this sequence without hotfixes that is on disk, or null. */
function unpatched({ current, base }: AppState, sequence: number): Installed | null {
  return [current, base].find((each) => each?.sequence === sequence && !isPatched(each)) ?? null;
}

/** The base of a patched version, or null where it needs none. */
function baseOf(state: AppState, version: Installed | null): Installed | null {
  return isPatched(version) ? unpatched(state, version.sequence) : null;
}
