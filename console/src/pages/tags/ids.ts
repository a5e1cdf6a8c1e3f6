/** Ids as people paste them, and the one that was refused. Pure. */

import type { Problem } from "../../api/problem";

export const COLUMNS = ["customer", "bank_reference", "device"] as const;

/** Returns the ids of a text, each once: one a line, or with commas or spaces between, Chinese ones too. */
export function idsIn(text: string): string[] {
  return [...new Set(text.split(/[\s,，、;；]+/).filter((id) => id !== ""))];
}

/** Returns the first id that the server does not know, which its sentence quotes; "" of another refusal. */
export function unknownIn(problem: Problem): string {
  return problem.code === "member_unknown" ? (/'([^']*)'/.exec(problem.detail)?.[1] ?? "") : "";
}
