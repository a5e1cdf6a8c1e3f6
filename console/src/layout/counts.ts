/** How much waits in each place; fetched only by those who may see it. */

import { query } from "../api/client";
import { useSession } from "../app/session";

export type Counts = { reviews: number; changes: number; trust: number };

export function useCounts(): Counts {
  const { may, me } = useSession();
  const reviews = query.useQuery("get", "/reviews", {}, { enabled: may("version:review") });
  const changes = query.useQuery(
    "get",
    "/changes",
    { params: { query: { state: "proposed", limit: 50 } } },
    { enabled: may("change:read") },
  );
  const trust = query.useQuery("get", "/trust/pending", {}, { enabled: may("trust:read") });
  return {
    reviews: reviews.data?.items.length ?? 0,
    changes: changes.data?.items.filter((change) => change.maker.person !== me.person).length ?? 0,
    trust: trust.data?.items.length ?? 0,
  };
}
