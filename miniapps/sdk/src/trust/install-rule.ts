/**
 * May this version be installed; may what is installed be opened (docs/protocols/trust.md, section 5). Pure.
 *
 * The inputs are what was verified last and what this device remembers. Sync never enters: it hints, it decides nothing.
 * The order of the checks is the order in which a person would want to hear them.
 */

import { allowsRollback, killedEntry } from "./control";
import { isStackListed } from "./hotfix";
import { isRefused, Refused } from "./refused";
import type { AppRole, Control, Offered, OfferedStack, Opening } from "./types";

export const DAY_MS = 86_400_000;
export const CLOCK_SLACK_MS = 3_600_000;

/**
 * Return when `offered` may be installed, else throw.
 *
 * `highest` is the highest sequence ever installed on this device (0: none); `failed` are the digests of packages that
 * did not boot here.
 */
export function checkInstall(
  offered: Offered,
  role: AppRole,
  control: Control,
  memory: { readonly highest: number; readonly failed?: readonly string[] },
): void {
  const { sequence, digest } = offered;
  const what = `Version ${sequence} of ${role.app}`;
  if (role.versions.get(sequence)?.indexDigest !== digest) {
    throw new Refused("install_not_listed", `${role.app} has no signed version ${sequence} with this digest.`);
  }
  const killed = killedEntry(control, sequence, digest);
  if (killed) throw new Refused("install_killed", `${what} was withdrawn (${killed.code}).`, { why: killed.code });
  if (sequence < role.floor) {
    throw new Refused("install_below_floor", `${what} is below the security floor ${role.floor}.`, {
      floor: role.floor,
    });
  }
  if (!control.offerable.includes(sequence)) {
    throw new Refused("install_not_offerable", `${what} is not offered at present.`);
  }
  if (sequence < memory.highest && !allowsRollback(control, memory.highest, sequence, digest)) {
    const told = `${what} is older than ${memory.highest}, installed here before, and no roll-back entry names this pair.`;
    throw new Refused("install_downgrade", told, { highest: memory.highest });
  }
  if (memory.failed?.includes(digest)) {
    throw new Refused("install_failed_here", `${what} failed to start on this device before.`);
  }
}

/**
 * Whether the boot watchdog may go back to the kept version: the same rule, where `highestStarted` is the highest
 * sequence that had started here before the failing one.
 */
export function mayRevert(kept: Offered, role: AppRole, control: Control, highestStarted: number): boolean {
  try {
    checkInstall(kept, role, control, { highest: highestStarted });
    return true;
  } catch (problem) {
    if (isRefused(problem)) return false;
    throw problem;
  }
}

/**
 * Whether a version that does not boot may give way to `to`, with hotfixes or without. What is of the same version may
 * take over whenever its hotfixes are still listed: whether that version opens is for the open rule.
 */
export function mayGoBack(
  to: Offered & Partial<OfferedStack>,
  failing: Offered,
  role: AppRole | null,
  control: Control | null,
  highestStarted: number,
): boolean {
  const { sequence, patches = [] } = to;
  if (patches.length > 0 && !isStackListed(control, to)) return false;
  if (sequence === failing.sequence) return true;
  if (role === null || control === null) return false;
  const digest = patches.length > 0 ? (role.versions.get(sequence)?.indexDigest ?? "") : to.digest;
  return mayRevert({ sequence, digest }, role, control, highestStarted);
}

/** What `checkOpen` is asked about. `role` and `control` are the last verified copies, expired or not. */
export interface OpenQuestion {
  readonly app: string;
  readonly installed: Offered | null;
  readonly role: AppRole | null;
  readonly control: Control | null;
  /** Whether the last sync listed the app for this subject; true before the first one. */
  readonly isListed: boolean;
  /** When this app's control file was last verified in a fresh tree. */
  readonly lastVerifiedMs: number;
  readonly nowMs: number;
}

/** Return how the installed version may open, else throw. No longer offerable keeps opening. */
export function checkOpen(question: OpenQuestion): Opening {
  const { app, installed, role, control } = question;
  if (installed === null) {
    throw new Refused("open_nothing_installed", `${app} is not installed yet; it comes with the next sync.`);
  }
  const killed = control && killedEntry(control, installed.sequence, installed.digest);
  if (killed) {
    throw new Refused("open_killed", `This version of ${app} was withdrawn (${killed.code}).`, { why: killed.code });
  }
  if (role !== null && installed.sequence < role.floor) {
    const told = `This version of ${app} is below its security floor ${role.floor}; an update is needed.`;
    throw new Refused("open_below_floor", told, { floor: role.floor });
  }
  if (!question.isListed) throw new Refused("open_not_for_you", `${app} is not available to this customer.`);
  return opening(control, question.lastVerifiedMs, question.nowMs);
}

function opening(control: Control | null, lastVerifiedMs: number, nowMs: number): Opening {
  if (control === null) return { mayMoveMoney: false, why: "control_missing" };
  const days = control.max_offline_days;
  if (days === undefined) return { mayMoveMoney: true, why: null };
  if (nowMs < lastVerifiedMs - CLOCK_SLACK_MS) return { mayMoveMoney: false, why: "clock_moved_back" };
  if (nowMs - lastVerifiedMs > days * DAY_MS) return { mayMoveMoney: false, why: "offline_too_long" };
  return { mayMoveMoney: true, why: null };
}
