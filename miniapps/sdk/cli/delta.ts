/** Deltas as tests ask for them: bytes in base64. */

import { applyDelta } from "../src/download/delta";
import { sha256Hex } from "../src/trust/digest";

/** Return the digest of what a delta gives, or throw `delta_refused`. */
export async function apply(base: string, delta: string, size: number, sha256: string): Promise<string> {
  return sha256Hex(await applyDelta(bytes(base), bytes(delta), { size, sha256 }));
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
