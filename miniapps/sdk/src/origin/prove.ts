/** The worker's proof: the verifier's offline entry, for the version that the shell asked for and no other. */

import { sameBytes } from "../trust/canonical";
import { verifyInstalled } from "../trust/offline";
import { Refused } from "../trust/refused";
import type { StoredChain, VerifiedInstall } from "../trust/types";
import { treeOf } from "./config";
import type { Prove } from "./opened";

export const prove: Prove = async (config, app, chain, index, wanted) => {
  const { root } = config;
  const proved = await verifyInstalled({ tree: treeOf(config), root, chain, app, digest: wanted.digest, index });
  if (proved.version.sequence !== wanted.sequence) {
    throw new Refused("trust_not_listed", `${app} lists this package under another sequence than ${wanted.sequence}.`);
  }
  return proved;
};

/**
 * A prover that remembers the last bytes it proved of each package: the same bytes are not proved twice. They lie in
 * the worker's own memory, where no app can write; any other byte is proved anew.
 */
export function remembering(proving: Prove): Prove {
  const known = new Map<string, Remembered>();
  return async (config, app, chain, index, wanted) => {
    const { sequence, digest } = wanted;
    const found = known.get(app);
    const isSame = found?.sequence === sequence && found.digest === digest && sameBytes(found.index, index);
    if (isSame && sameChain(found.chain, chain)) return found.proved;
    const proved = await proving(config, app, chain, index, wanted);
    known.set(app, { sequence, digest, chain, index, proved });
    return proved;
  };
}

interface Remembered {
  readonly sequence: number;
  readonly digest: string;
  readonly chain: StoredChain;
  readonly index: Uint8Array;
  readonly proved: VerifiedInstall;
}

function sameChain(one: StoredChain, other: StoredChain): boolean {
  const [a, b] = [bytesOf(one), bytesOf(other)];
  const isSame = one.roots.length === other.roots.length && a.length === b.length;
  return isSame && a.every((each, at) => sameBytes(each, b[at] as Uint8Array));
}

function bytesOf({ roots, targets, role, stack }: StoredChain): Uint8Array[] {
  return [targets, role, ...roots, ...(stack ? [stack.base, ...stack.documents] : [])];
}
