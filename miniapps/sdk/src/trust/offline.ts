/**
 * What proves an installed version without a network: root chain, targets, the app's role, the index. For a service
 * worker that serves files of an origin which its app could have written to: it believes nothing but the built-in root.
 *
 * Expiry is not looked at: an installed version keeps opening. Whether it may open is for whoever holds the control file.
 */

import { sameBytes } from "./canonical";
import { checkDelegation } from "./delegation";
import { digestOf } from "./digest";
import { type Hotfix, parseHotfix, stackedIndex } from "./hotfix";
import { readMetadata } from "./metadata";
import { parseIndex } from "./package-index";
import { demand, Refused } from "./refused";
import { APP_SIGNATURES, appPaths, appRole, checkFields, hotfixKey, readAppRole, readSpelled } from "./roles";
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
  const version = versionOf(role, proof.digest);
  if (version !== null) return { index: fittingIndex(version, proof.index), version, role };
  const { stack } = proof.chain;
  const base = stack === undefined ? null : versionOf(role, await digestOf(stack.base));
  if (stack === undefined || stack.documents.length === 0 || base === null) {
    throw new Refused("trust_not_listed", `${proof.app} has no signed version with this digest.`);
  }
  const hotfixes = await Promise.all(stack.documents.map((each) => signedHotfix(role, base, each)));
  return { index: proveStack(proof.index, fittingIndex(base, stack.base), base, hotfixes), version: base, role };
}

function versionOf(role: AppRole, digest: string): SignedVersion | null {
  return Array.from(role.versions.values()).find((each) => each.indexDigest === digest) ?? null;
}

/** Read a hotfix's document, which must be the one that the role lists for this version. */
async function signedHotfix(role: AppRole, { sequence }: SignedVersion, data: Uint8Array): Promise<Hotfix> {
  const hotfix = parseHotfix(data);
  const listed = role.hotfixes.get(hotfixKey(sequence, hotfix.n));
  const isListed = listed?.documentBytes === data.length && listed.documentDigest === (await digestOf(data));
  demand(isListed, "trust_not_listed", `${role.app} has no such signed hotfix of version ${sequence}.`);
  return hotfix;
}

/**
 * Return the index when it is what these hotfixes make of the version. Its digest of the whole archive follows from the
 * files, and nothing is served by it, so it is taken as it says: every file has its own.
 */
function proveStack(
  data: Uint8Array,
  base: PackageIndex,
  version: SignedVersion,
  hotfixes: readonly Hotfix[],
): PackageIndex {
  const index = parseIndex(data);
  const wanted = stackedIndex(base, version.indexDigest, hotfixes, index.archive.sha256);
  const told = `The index is not what the hotfixes make of version ${version.sequence} of ${version.app}.`;
  demand(sameBytes(wanted, data), "hotfix_result_differs", told);
  return index;
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
