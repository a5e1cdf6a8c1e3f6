/** What saved audiences are called; rules name them by their ids. */

import { query } from "../api/client";
import { useSession } from "../app/session";

const SOME = 200;

/** Returns the names of saved audiences by id; of one that is not among the first 200, nothing. */
export function useAudienceNames(): ReadonlyMap<string, string> {
  const { may } = useSession();
  const found = query.useQuery(
    "get",
    "/audiences",
    { params: { query: { limit: SOME, sort: "name" } } },
    {
      enabled: may("audience:read"),
      staleTime: 60_000,
      select: (page) => new Map(page.items.map(({ id, name }) => [id, name])),
    },
  );
  return found.data ?? NONE;
}

const NONE: ReadonlyMap<string, string> = new Map();
