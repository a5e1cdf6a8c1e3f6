/**
 * What proves an installed version without a network: root chain, targets, the app's role, the index. For a service
 * worker that serves files of an origin which its app could have written to: it believes nothing but the built-in root.
 *
 * Expiry is not looked at: an installed version keeps opening. Whether it may open is for whoever holds the control file.
 */

import { checkDelegation } from "./delegation";
import { digestOf } from "./digest";
import { readMetadata } from "./metadata";
import { parseIndex } from "./package-index";
import { demand, Refused } from "./refused";
import { APP_SIGNATURES, appPaths, appRole, checkFields, readAppRole, readSpelled } from "./roles";
import { checkSigned } from "./signatures";
import { nextRoot } from "./tuf-client";
import type { AppRole, PackageIndex, SignedVersion, StoredChain, VerifiedInstall } from "./types";

export interface InstalledProof {
  /** `<workspace>/<profile>`. */
  readonly tree: string;
  /** The root that the client was built with. */
  readonly root: Uint8Array;
  readonly chain: StoredChain;
  readonly app: string;
  /** The package digest that is said to be installed. */
  readonly digest: string;
  /** The bytes of its `index.json`. */
  readonly index: Uint8Array;
}

/** Return the index verified from the root through targets and role; throw a `trust_` or `index_` refusal. */
export async function verifyInstalled(proof: InstalledProof): Promise<VerifiedInstall> {
  const role = await verifyRole(proof);
  const isNamed = (await digestOf(proof.index)) === proof.digest;
  demand(isNamed, "trust_bytes_differ", `The index of ${proof.app} is not the installed one; install it again.`);
  const version = Array.from(role.versions.values()).find((each) => each.indexDigest === proof.digest);
  if (version === undefined) {
    throw new Refused("trust_not_listed", `${proof.app} has no signed version with this digest.`);
  }
  return { index: fittingIndex(version, proof.index), version, role };
}

/** Verify the app's role by the chain, expired or not. */
export async function verifyRole(proof: Omit<InstalledProof, "digest" | "index">): Promise<AppRole> {
  const { tree, root, chain, app } = proof;
  const first = readMetadata(root, "root");
  checkFields(readSpelled(root, "root"), "root", tree);
  await checkSigned(first.body, "root", first);
  let last = first.body;
  for (const each of chain.roots) last = await nextRoot(last, each);
  const targets = readSpelled(chain.targets, "targets");
  await checkSigned(last, "targets", readMetadata(chain.targets, "targets"));
  checkFields(targets, "targets", tree);
  await checkDelegation(targets, appRole(app), appPaths(app), APP_SIGNATURES);
  const body = readSpelled(chain.role, "targets");
  if (targets.delegations) await checkSigned(targets.delegations, appRole(app), readMetadata(chain.role, "targets"));
  return readAppRole(body, app, tree);
}

/** Read a signed index; it must be for the very version that the role lists, and for its archive. */
export function fittingIndex(version: SignedVersion, data: Uint8Array): PackageIndex {
  const index = parseIndex(data);
  const isSame = index.app === version.app && index.sequence === version.sequence && index.version === version.version;
  demand(isSame, "trust_bytes_differ", `The index is for ${index.app} ${index.sequence}, not for what the role lists.`);
  const isItsArchive =
    index.archive.size === version.packageBytes && `sha256:${index.archive.sha256}` === version.packageDigest;
  demand(isItsArchive, "trust_bytes_differ", "The index describes another archive than the role lists.");
  return index;
}
