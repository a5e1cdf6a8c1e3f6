/** What the server calls a number that is none. */
export const PHONE_INVALID = "phone_invalid";

/** Return a typed number with its country, or null when it is none; without a country it is the bank's own country's. */
export function international(typed: string): string | null {
  const digits = typed.replace(/[\s().-]/g, "");
  if (/^\+[1-9][0-9]{6,14}$/.test(digits)) return digits;
  return /^1[0-9]{10}$/.test(digits) ? `+86${digits}` : null;
}
