/** Ids as people paste them. Pure. */

export const COLUMNS = ["customer", "bank_reference", "device"] as const;

/** Returns the ids of a text, each once: one a line, or with commas or spaces between, Chinese ones too. */
export function idsIn(text: string): string[] {
  return [...new Set(text.split(/[\s,，、;；]+/).filter((id) => id !== ""))];
}
