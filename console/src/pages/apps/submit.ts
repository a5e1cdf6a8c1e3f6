/** The files that a publisher gives to the console. Pure: bytes and names in, sentences' keys out. */

export type Signed = { app: string; sequence: number; digest: string; bodies: Record<string, Record<string, unknown>> };

/** Whether a file's name is that of a packed app. A `.zip` is one too: the server says what is wrong with its content. */
export function isPackageName(name: string): boolean {
  return /\.(ma|zip)$/i.test(name);
}

/** Returns what `sampan publish --out` wrote, or null when the text is something else. */
export function readSigned(text: string): Signed | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { app, sequence, digest, bodies } = value as Record<string, unknown>;
  if (typeof app !== "string" || typeof sequence !== "number" || typeof digest !== "string") return null;
  if (typeof bodies !== "object" || bodies === null || Object.keys(bodies).length === 0) return null;
  if (Object.values(bodies).some((body) => typeof body !== "object" || body === null)) return null;
  return { app, sequence, digest, bodies: bodies as Signed["bodies"] };
}

/** Returns a file name as one word of a shell's command line. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9._/+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns the name of the signed file beside a package. */
export function signedName(name: string): string {
  return `${name.replace(/\.(ma|zip)$/i, "")}.signed.json`;
}
