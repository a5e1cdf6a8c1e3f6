/**
 * Deltas (docs/protocols/delta.md): a Zstandard frame (RFC 8878) with the base archive as its raw content dictionary.
 *
 * A dictionary of raw content is nothing but what stands before the first block. So the base is put there, in blocks
 * that are stored as they are, and any decoder of plain frames reads the two as one.
 */

import { decompress } from "fzstd";
import { sha256Hex } from "../trust/digest";
import { demand, Refused } from "../trust/refused";

/** Of either archive; both and the result are held in memory. */
export const MAX_DELTA_ARCHIVE = 64 * 1024 * 1024;
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** One segment, with 8 bytes of content size, no checksum and no dictionary id. */
const ONE_SEGMENT = 0xe0;
const HEAD_BYTES = MAGIC.length + 1 + 8;
const MOST_OF_A_BLOCK = 128 * 1024;
const SIZE_BYTES = [0, 2, 4, 8];

export interface Target {
  readonly size: number;
  /** Bare hex. */
  readonly sha256: string;
}

/** Return the archive `target`; throw `delta_refused` unless the delta gives exactly that. */
export async function applyDelta(base: Uint8Array, delta: Uint8Array, target: Target): Promise<Uint8Array> {
  const isSmall = Math.max(base.length, target.size) <= MAX_DELTA_ARCHIVE;
  demand(isSmall, "delta_refused", "Archives as large as this have no deltas.");
  const blocks = blocksOf(delta, target.size);
  const made = inflated(withBase(base, blocks, target.size), base.length + target.size).subarray(base.length);
  const isSigned = made.length === target.size && (await sha256Hex(made)) === target.sha256;
  demand(isSigned, "delta_refused", "What the delta gives is not the signed archive.");
  return made.slice();
}

/** Return what follows the frame's header, which must announce the target's size and nothing that we do not read. */
function blocksOf(delta: Uint8Array, size: number): Uint8Array {
  const flags = delta[4] ?? 0;
  const isFrame = MAGIC.every((byte, at) => delta[at] === byte);
  const hasChecksum = (flags & 0x04) !== 0;
  const hasDictionaryId = (flags & 0x03) !== 0;
  const isOneSegment = (flags & 0x20) !== 0;
  demand(isFrame && !hasChecksum && !hasDictionaryId, "delta_refused", "The bytes are no delta.");
  const at = MAGIC.length + 1 + (isOneSegment ? 0 : 1);
  const sizeBytes = flags >> 6 === 0 ? Number(isOneSegment) : (SIZE_BYTES[flags >> 6] ?? 0);
  demand(sizeBytes > 0 && delta.length > at + sizeBytes, "delta_refused", "The delta does not say what it gives.");
  const announced = littleEndian(delta.subarray(at, at + sizeBytes)) + (sizeBytes === 2 ? 256 : 0);
  demand(announced === size, "delta_refused", "The delta announces another size than the archive has.");
  return delta.subarray(at + sizeBytes);
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((number, byte) => number * 256 + byte, 0);
}

function withBase(base: Uint8Array, blocks: Uint8Array, size: number): Uint8Array {
  const count = Math.ceil(base.length / MOST_OF_A_BLOCK);
  const frame = new Uint8Array(HEAD_BYTES + base.length + 3 * count + blocks.length);
  frame.set([...MAGIC, ONE_SEGMENT]);
  new DataView(frame.buffer).setUint32(MAGIC.length + 1, base.length + size, true);
  let at = HEAD_BYTES;
  for (let from = 0; from < base.length; from += MOST_OF_A_BLOCK) {
    const content = base.subarray(from, from + MOST_OF_A_BLOCK);
    const head = content.length << 3; // not the last block, stored
    frame.set([head & 0xff, (head >> 8) & 0xff, head >> 16], at);
    frame.set(content, at + 3);
    at += 3 + content.length;
  }
  frame.set(blocks, at);
  return frame;
}

function inflated(frame: Uint8Array, size: number): Uint8Array {
  try {
    const made = decompress(frame);
    demand(made.length === size, "delta_refused", "The delta gives another size than it announces.");
    return made;
  } catch (problem) {
    throw problem instanceof Refused ? problem : new Refused("delta_refused", "The delta is damaged.");
  }
}
