/** What publishers are called, for readers who may see mini-apps. */

import { query } from "../../api/client";
import { useSession } from "../../app/session";

/** Returns a function from a publisher's id to its name, or "" when it is not known. */
export function usePublisherNames(): (publisher: string) => string {
  const { may } = useSession();
  const found = query.useQuery(
    "get",
    "/publishers",
    { params: { query: { limit: 200 } } },
    { enabled: may("app:read"), staleTime: 60_000 },
  );
  return (publisher) => found.data?.items.find((one) => one.id === publisher)?.name ?? "";
}
