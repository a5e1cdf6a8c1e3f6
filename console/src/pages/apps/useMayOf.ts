/** What the reader may do with an app; whoever acts for its publisher alone may what their grant for that publisher says. */

import { query } from "../../api/client";
import { useSession } from "../../app/session";

function useOwner(app: string) {
  return query.useQuery(
    "get",
    "/apps/{app}",
    { params: { path: { app } } },
    { enabled: app !== "", staleTime: 60_000 },
  );
}

/** Returns a function that says whether a permission is held for the app; before its publisher is known, without them. */
export function useMayOf(app: string): (permission: string) => boolean {
  const { may } = useSession();
  const publisher = useOwner(app).data?.publisher;
  return (permission) => may(permission, { app, ...(publisher ? { publisher } : {}) });
}

/** Whether the publisher is still asked for; what a page shows by rights waits for that. */
export const useIsOwnerAsked = (app: string): boolean => useOwner(app).isLoading;
