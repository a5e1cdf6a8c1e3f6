/**
 * Public keys as TUF metadata lists them: Ed25519 and ECDSA P-256, by WebCrypto, nothing else. A signature by a key of
 * any other kind does not count, however many kinds a library would know.
 */

import { fromHex, owned, toHex } from "./digest";

/** A key of some metadata. `value` is hex for `ed25519`, PEM for `ecdsa`. */
export interface TufKey {
  readonly type: string;
  readonly scheme: string;
  readonly value: string;
}

interface Usable {
  readonly key: CryptoKey;
  readonly isEcdsa: boolean;
  /** The raw public key: what makes two keys the same one, whatever they are called. */
  readonly raw: string;
}

const COORDINATE_BYTES = 32;
const KEYS_REMEMBERED = 512;
const imported = new Map<string, Promise<Usable | null>>();

/** Return the raw key in hex, or null for a key that is not accepted. */
export async function rawKey(key: TufKey): Promise<string | null> {
  return (await usable(key))?.raw ?? null;
}

/** Whether `signature` (hex) is this key's over `data`. */
export async function verifies(key: TufKey, signature: string, data: Uint8Array): Promise<boolean> {
  const found = await usable(key);
  const bytes = fromHex(signature);
  if (found === null || bytes === null) return false;
  if (!found.isEcdsa) return crypto.subtle.verify("Ed25519", found.key, bytes, owned(data));
  const flat = fromDer(bytes);
  return flat !== null && crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, found.key, flat, owned(data));
}

function usable(key: TufKey): Promise<Usable | null> {
  const name = `${key.type} ${key.scheme} ${key.value}`;
  const known = imported.get(name);
  if (known !== undefined) return known;
  if (imported.size >= KEYS_REMEMBERED) imported.clear();
  const made = importKey(key).catch(() => null);
  imported.set(name, made);
  return made;
}

async function importKey(key: TufKey): Promise<Usable | null> {
  const isEcdsa = key.type === "ecdsa" || key.type === "ecdsa-sha2-nistp256";
  if (isEcdsa && key.scheme === "ecdsa-sha2-nistp256") {
    const curve = { name: "ECDSA", namedCurve: "P-256" };
    const made = await crypto.subtle.importKey("spki", fromPem(key.value), curve, true, ["verify"]);
    return { key: made, isEcdsa: true, raw: await rawOf(made) };
  }
  const bytes = fromHex(key.value);
  if (key.type !== "ed25519" || key.scheme !== "ed25519" || bytes === null) return null;
  const made = await crypto.subtle.importKey("raw", bytes, "Ed25519", true, ["verify"]);
  return { key: made, isEcdsa: false, raw: await rawOf(made) };
}

async function rawOf(key: CryptoKey): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.exportKey("raw", key)));
}

function fromPem(text: string): Uint8Array<ArrayBuffer> {
  const body = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(text)?.[1] ?? "";
  return Uint8Array.from(atob(body.replace(/\s/g, "")), (sign) => sign.charCodeAt(0));
}

/** Return r and s, 32 bytes each, of an ASN.1 signature (RFC 3279 2.2.3), or null when it is no strict DER. */
export function fromDer(data: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (data[0] !== 0x30 || data[1] !== data.length - 2 || data.length > 72) return null;
  const r = integerAt(data, 2);
  const s = r && integerAt(data, r.end);
  if (!r || !s || s.end !== data.length) return null;
  const flat = new Uint8Array(2 * COORDINATE_BYTES);
  flat.set(r.bytes, COORDINATE_BYTES - r.bytes.length);
  flat.set(s.bytes, 2 * COORDINATE_BYTES - s.bytes.length);
  return flat;
}

function integerAt(data: Uint8Array, at: number): { bytes: Uint8Array; end: number } | null {
  const length = data[at + 1] ?? 0;
  const end = at + 2 + length;
  if (data[at] !== 0x02 || length === 0 || end > data.length) return null;
  const bytes = data.subarray(at + 2, end);
  const first = bytes[0] ?? 0;
  if (first >= 0x80 || (first === 0 && length > 1 && (bytes[1] ?? 0) < 0x80)) return null;
  const plain = first === 0 ? bytes.subarray(1) : bytes;
  return plain.length <= COORDINATE_BYTES ? { bytes: plain, end } : null;
}
