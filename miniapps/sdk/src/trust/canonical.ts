/**
 * One byte string for one JSON value, in the three spellings that the formats use: RFC 8785 (indexes, control files),
 * OLPC canonical JSON (what TUF signatures are over), and that of our metadata files (sorted keys, ASCII escapes).
 * Integers from -(2^53-1) to 2^53-1 are the only numbers: another reader would see another value.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** The value has no such spelling, or the bytes are not in theirs. */
export class NotCanonical extends Error {
  override readonly name = "NotCanonical";
}

const MAX_DEPTH = 256;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Spelling {
  readonly quote: (text: string) => string;
  readonly compare: (one: string, other: string) => number;
}

const byCodeUnit = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** Order texts by code point, which is the order of their UTF-8 bytes. */
export function byCodePoint(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const a = one.charCodeAt(at);
    const b = other.charCodeAt(at);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return one.length - other.length;
}

/** Surrogates stand for code points above all others, so they rank above U+E000 to U+FFFF. */
const codePointRank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

const RFC8785: Spelling = { quote: quotedWell, compare: byCodeUnit };
const OLPC: Spelling = { quote: quotedOlpc, compare: byCodePoint };
const METADATA: Spelling = { quote: quotedAscii, compare: byCodePoint };

/** Return the RFC 8785 bytes; throw `NotCanonical`. */
export const canonicalJson = (value: Json): Uint8Array => ENCODER.encode(spelled(value, RFC8785));

/** Return the OLPC canonical bytes, which TUF signatures are over; throw `NotCanonical`. */
export const olpcJson = (value: Json): Uint8Array => ENCODER.encode(spelled(value, OLPC));

/** Return the bytes of a metadata file in our one spelling; throw `NotCanonical`. */
export const metadataJson = (value: Json): Uint8Array => ENCODER.encode(spelled(value, METADATA));

/** Parse strict UTF-8 JSON; throw `NotCanonical`. Of a member that occurs twice the last one counts. */
export function parseJson(data: Uint8Array): Json {
  try {
    return JSON.parse(DECODER.decode(data)) as Json;
  } catch {
    throw new NotCanonical("not JSON in UTF-8");
  }
}

/** Parse bytes that must already be RFC 8785; throw `NotCanonical` on any other spelling of the value. */
export function parseCanonical(data: Uint8Array): Json {
  const value = parseJson(data);
  if (!sameBytes(canonicalJson(value), data)) throw new NotCanonical("not in its canonical form (RFC 8785)");
  return value;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isList = (value: unknown): value is readonly Json[] => Array.isArray(value);

export const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

function spelled(value: Json, how: Spelling, depth = 0): string {
  if (depth > MAX_DEPTH) throw new NotCanonical("nested too deeply");
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return how.quote(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new NotCanonical("a number that is no integer within 2^53-1");
    return String(value);
  }
  if (isList(value)) return `[${value.map((item) => spelled(item, how, depth + 1)).join(",")}]`;
  const members = Object.entries(value).sort(([one], [other]) => how.compare(one, other));
  return `{${members.map(([name, item]) => `${how.quote(name)}:${spelled(item, how, depth + 1)}`).join(",")}}`;
}

function wellFormed(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new NotCanonical("a text with half a character");
  return text;
}

function quotedWell(text: string): string {
  return JSON.stringify(wellFormed(text));
}

function quotedOlpc(text: string): string {
  return `"${wellFormed(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function quotedAscii(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
