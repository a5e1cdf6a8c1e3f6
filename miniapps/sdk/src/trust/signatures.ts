/** Whether a role file carries the signatures that its delegator demands (TUF 1.0.31, section 5.3.3 and onwards). */

import { hashHex } from "./digest";
import { rawKey, verifies } from "./keys";
import type { BodyOf, BodyType, Delegator, FileInfo, Metadata } from "./metadata";
import { readMetadata } from "./metadata";
import { demand } from "./refused";

/**
 * Read the file of `role` and return it when as many different keys of `delegator` as needed have signed it.
 *
 * A key counts once, under how many ids it may be listed. Throws `trust_refused` or `trust_not_signed`.
 */
export async function verifyMetadata<T extends BodyType>(
  delegator: Delegator,
  role: string,
  data: Uint8Array,
  type: T,
): Promise<Metadata<BodyOf<T>>> {
  const metadata = readMetadata(data, type);
  await checkSigned(delegator, role, metadata);
  return metadata;
}

/** Throw `trust_not_signed` unless the metadata carries the signatures that its delegator demands. */
export async function checkSigned(delegator: Delegator, role: string, metadata: Metadata): Promise<void> {
  const wanted = delegator.roles.get(role);
  demand(wanted !== undefined, "trust_refused", `Nobody delegates ${role}.`);
  const counted = new Set<string>();
  for (const id of wanted.keyids) {
    const key = delegator.keys.get(id);
    const signature = metadata.signatures.get(id);
    if (key === undefined || signature === undefined) continue;
    const raw = await rawKey(key);
    if (raw !== null && (await verifies(key, signature, metadata.signedBytes))) counted.add(raw);
  }
  const told = `${role} was signed by ${counted.size} of the ${wanted.threshold} keys that it needs.`;
  demand(counted.size >= wanted.threshold, "trust_not_signed", told);
}

/** Throw `trust_bytes_differ` unless `data` has the length and every hash that is listed. */
export async function checkBytes(data: Uint8Array, info: FileInfo, what: string): Promise<void> {
  const told = `The bytes of ${what} are not the signed ones.`;
  demand(info.length === null || data.length === info.length, "trust_bytes_differ", told);
  for (const [algorithm, wanted] of info.hashes ?? []) {
    demand((await hashHex(algorithm, data)) === wanted, "trust_bytes_differ", told);
  }
}
