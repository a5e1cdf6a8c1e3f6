/** What one document may send: plain data of bounded size and depth, at a bounded rate. Pure; time is passed in. */

import { BridgeError } from "./errors";

export const MAX_MESSAGE_BYTES = 1_048_576;
export const MAX_DEPTH = 32;
export const MAX_NODES = 20_000;
export const MAX_PENDING = 32;
export const CALLS_PER_SECOND = 50;
export const CALL_BURST = 100;
export const NOTES_PER_SECOND = 5;
export const NOTE_BURST = 50;

/**
 * Return the size of plain data in bytes (texts as UTF-16, numbers as 8). Throws `too_large` for too many bytes, nodes
 * or levels, `bad_argument` for anything but null, booleans, numbers, texts, arrays, plain objects and byte arrays.
 */
export function measure(value: unknown, limit = MAX_MESSAGE_BYTES): number {
  let bytes = 0;
  let nodes = 1;
  const stack: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const children = childrenOf(next.value);
    nodes += children.length; // before one of them is looked at: an array of nothing can say that it has billions
    bytes += sizeOf(next.value);
    if (bytes > limit || nodes > MAX_NODES || next.depth > MAX_DEPTH) {
      throw new BridgeError(
        "too_large",
        `A message may have ${limit} bytes, ${MAX_NODES} values and ${MAX_DEPTH} levels.`,
      );
    }
    const depth = next.depth + 1;
    for (const child of children) stack.push({ value: child, depth });
  }
  return bytes;
}

function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length * 2;
  if (value instanceof Uint8Array) return value.byteLength;
  return 8;
}

function childrenOf(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  if (typeof value === "object") {
    if (value instanceof Uint8Array) return [];
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return [...Object.keys(value), ...Object.values(value)];
  } else if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return [];
  }
  throw new BridgeError("bad_argument", "A message holds plain data only: no functions, dates, maps or handles.");
}

/** A token bucket: `rate` a second, `burst` at once. */
export class RateGate {
  private tokens: number;
  private last: number;

  constructor(
    private readonly rate: number,
    private readonly burst: number,
    nowMs: number,
  ) {
    this.tokens = burst;
    this.last = nowMs;
  }

  /** Whether one more may pass at `nowMs`. */
  admits(nowMs: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + (Math.max(0, nowMs - this.last) / 1000) * this.rate);
    this.last = nowMs;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
