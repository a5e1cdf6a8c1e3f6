/** Deltas (docs/protocols/delta.md): a Zstandard frame (RFC 8878) with the base archive as its raw content dictionary. */

import { sha256Hex } from "../trust/digest";
import { demand } from "../trust/refused";
import { MAX_DELTA_ARCHIVE } from "./shortcuts";
import { inflated, littleEndian } from "./zstd";

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
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
  const made = inflated(base, blocksOf(delta, target.size), target.size);
  const isSigned = (await sha256Hex(made)) === target.sha256;
  demand(isSigned, "delta_refused", "What the delta gives is not the signed archive.");
  return made;
}

/** Return what follows the frame's header, which must announce the target's size and nothing that we do not read. */
function blocksOf(delta: Uint8Array, size: number): Uint8Array {
  const flags = delta[4] ?? 0;
  const isFrame = MAGIC.every((byte, at) => delta[at] === byte);
  // A checksum, an id of a dictionary, a bit that is kept for later.
  const hasMore = (flags & 0x0f) !== 0;
  const isOneSegment = (flags & 0x20) !== 0;
  demand(isFrame && !hasMore, "delta_refused", "The bytes are no delta.");
  const at = MAGIC.length + 1 + (isOneSegment ? 0 : 1);
  const sizeBytes = flags >> 6 === 0 ? Number(isOneSegment) : (SIZE_BYTES[flags >> 6] ?? 0);
  demand(sizeBytes > 0 && delta.length > at + sizeBytes, "delta_refused", "The delta does not say what it gives.");
  const announced = littleEndian(delta, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  demand(announced === size, "delta_refused", "The delta announces another size than the archive has.");
  return delta.subarray(at + sizeBytes);
}
