/** How much waits for the reader in each place, as the server's overview counts it. */

import { query } from "../api/client";

export type Counts = { reviews: number; changes: number; trust: number };

export function useCounts(): Counts {
  const found = query.useQuery("get", "/overview", {});
  const count = (kind: string) => found.data?.needs_me.find((group) => group.kind === kind)?.count ?? 0;
  return {
    reviews: count("review_waiting") + count("hotfix_waiting"),
    changes: count("change_waiting"),
    trust: count("signature_waiting"),
  };
}
