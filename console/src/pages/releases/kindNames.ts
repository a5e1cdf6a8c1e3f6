/** What a release can roll out, by the server's names. Pure. */

import { patchedOf } from "../hotfixes/words";

export const KINDS = ["miniapp", "hotfix", "native", "shared", "app_upgrade", "switch"] as const;
export type Kind = (typeof KINDS)[number];
type Of = { kind?: string | undefined };

/** Returns the kind; what no page knows is chosen like a mini-app. */
export const kindOf = (kind: string | null | undefined): Kind => KINDS.find((each) => each === kind) ?? "miniapp";

/** Whether whole packages are rolled out: those can be few, and only on Wi-Fi. */
export const isPackage = ({ kind }: Of): boolean => ["miniapp", "native", "shared"].includes(kindOf(kind));

/** Devices report on packages, with hotfixes and without, so nothing else can be watched by a gate. */
export const isWatched = (of: Of): boolean => isPackage(of) || kindOf(of.kind) === "hotfix";

/** Returns the app that a deliverable is of; other deliverables are no app's. */
export const appOf = ({ kind, deliverable }: { kind: string; deliverable: string }): string =>
  kindOf(kind) === "hotfix" ? patchedOf(deliverable).app : deliverable;

/** Returns what a version of a deliverable is called; hotfixes and switches have no names beside their numbers. */
export function versionSaid(kind: Kind, { version, sequence }: { version: string; sequence: number }): string {
  if (kind === "hotfix") return version;
  return kind === "switch" ? `#${sequence}` : `${version} (#${sequence})`;
}
