/** The worker's proof: the verifier's offline entry, for the version that the shell asked for and no other. */

import { verifyInstalled } from "../trust/offline";
import { Refused } from "../trust/refused";
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
