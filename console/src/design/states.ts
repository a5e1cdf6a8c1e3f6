/** Which tone a state has. Pure. */

import type { Tone } from "./tokens";

const TONES: Record<string, Tone> = {
  uploaded: "neutral",
  checks_failed: "bad",
  needs_signature: "warn",
  in_review: "info",
  approved: "good",
  published: "good",
  rejected: "bad",
  withdrawn: "neutral",
  sequence_superseded: "neutral",
  archived: "neutral",
  killed: "bad",
  draft: "neutral",
  submitted: "info",
  running: "good",
  paused: "warn",
  completed: "brand",
  stopped: "bad",
  rolled_back: "bad",
  proposed: "info",
  applied: "good",
  stale: "neutral",
  expired: "neutral",
  active: "good",
  suspended: "warn",
  retired: "neutral",
  disabled: "neutral",
  waiting: "warn",
  complete: "good",
  voided: "neutral",
  revoked: "bad",
  closed: "neutral",
  open: "good",
  erased: "neutral",
  error: "bad",
  warning: "warn",
  info: "info",
};

export function toneOf(state: string): Tone {
  return TONES[state] ?? "neutral";
}
