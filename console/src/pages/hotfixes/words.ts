/** How hotfixes are named in links and lists. Pure. */

import type { components } from "../../api/schema";

export type Hotfix = components["schemas"]["HotfixOut"];
export type HotfixDetail = components["schemas"]["HotfixDetailOut"];

export const versionPath = (app: string, sequence: number) => `/apps/${app}/versions/${sequence}`;

export const hotfixPath = ({ app, sequence, n }: Pick<Hotfix, "app" | "sequence" | "n">) =>
  `${versionPath(app, sequence)}/hotfixes/${n}`;

/** Returns the hotfix that a link leads to; null for other places. */
export function hotfixAt(link: string): Pick<Hotfix, "app" | "sequence" | "n"> | null {
  const found = /^\/apps\/([^/]+)\/versions\/(\d+)\/hotfixes\/(\d+)$/.exec(link);
  return found ? { app: found[1] ?? "", sequence: Number(found[2]), n: Number(found[3]) } : null;
}

type Matter = components["schemas"]["MatterView"];
export type WaitingHotfix = Pick<Hotfix, "app" | "sequence" | "n"> & { since: number };

/** Returns the hotfixes among what waits for a reviewer. */
export function waitingHotfixes(matters: readonly Matter[]): WaitingHotfix[] {
  return matters.flatMap(({ kind, link, since_ms }) => {
    const found = kind === "hotfix_waiting" ? hotfixAt(link) : null;
    return found ? [{ ...found, since: since_ms }] : [];
  });
}

/** What a release of it rolls out. */
export const deliverableOf = (app: string, sequence: number) => `${app}@${sequence}`;

/** Returns the app and the sequence of what a release of a hotfix rolls out; the sequence is 0 when there is none. */
export function patchedOf(deliverable: string): { app: string; sequence: number } {
  const at = deliverable.lastIndexOf("@");
  if (at < 0) return { app: deliverable, sequence: 0 };
  return { app: deliverable.slice(0, at), sequence: Number(deliverable.slice(at + 1)) || 0 };
}

/** Returns what the version itself is called, of the name that it has with a hotfix, as `1.0.1` of `1.0.1+2`. */
export const bareVersion = (version: string, n: number): string =>
  version.endsWith(`+${n}`) ? version.slice(0, -`+${n}`.length) : version;

/** Where the wizard of releases begins with a hotfix; the way back is what it was made on. */
export function releasePath({ app, sequence, n, stack }: Pick<Hotfix, "app" | "sequence" | "n" | "stack">): string {
  const back = String(stack.at(-2) ?? 0);
  const names = { kind: "hotfix", app: deliverableOf(app, sequence), sequence: String(n), back };
  return `/releases/new?${new URLSearchParams(names)}`;
}

/** States in which nothing is decided yet. */
export const isOpen = ({ state }: Pick<Hotfix, "state">) => state === "in_review" || state === "needs_signature";

/** What a state of its history is called: what takes a public version off every device withdraws a hotfix. */
export const historyState = (state: string): string => (state === "killed" ? "withdrawn" : state);

const OVER: ReadonlySet<string> = new Set(["draft", "completed", "stopped", "rolled_back"]);

/** Returns the release of it that is under way, or waits for its approval; null when there is none. */
export const goingOut = ({ releases }: Pick<Hotfix, "releases">) =>
  releases.find(({ state }) => !OVER.has(state)) ?? null;

/** What the hint below its title is called: of what is public, how far a release of it came. */
export function hintOf({ state, releases }: Pick<Hotfix, "state" | "releases">): string {
  const has = (wanted: string) => releases.some((each) => each.state === wanted);
  if (state !== "published") return `stateHint_${state}`;
  return `stateHint_${has("running") ? "running" : has("completed") ? "completed" : state}`;
}

/** Whether devices may have it, so that a release can give it to them. */
export const isLive = ({ state }: Pick<Hotfix, "state">) => state === "published";
