/** Digests by WebCrypto. `sha256:<hex>` names content everywhere outside of an index, where the bare hex stands. */

const SUBTLE: Readonly<Record<string, string>> = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };

/** Bytes with a buffer of their own, as WebCrypto's types want them. */
export const owned = (data: Uint8Array): Uint8Array<ArrayBuffer> =>
  data.buffer instanceof ArrayBuffer ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data);

export function toHex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return the bytes, or null when `text` is not lower- or upper-case hex. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/** Return the hex digest by `sha256`, `sha384` or `sha512`, or null for any other algorithm. */
export async function hashHex(algorithm: string, data: Uint8Array): Promise<string | null> {
  const name = Object.hasOwn(SUBTLE, algorithm) ? SUBTLE[algorithm] : undefined;
  if (name === undefined) return null;
  return toHex(new Uint8Array(await crypto.subtle.digest(name, owned(data))));
}

export async function sha256Hex(data: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", owned(data))));
}

/** Return `sha256:<hex>`. */
export const digestOf = async (data: Uint8Array): Promise<string> => `sha256:${await sha256Hex(data)}`;

export const isDigest = (text: unknown): text is string =>
  typeof text === "string" && /^sha256:[0-9a-f]{64}$/.test(text);
