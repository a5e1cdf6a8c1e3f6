/** Mutations that make every page look again afterwards. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

/** Returns a function that runs an act, then has all shown data fetched anew. */
export function useAct(): <T>(act: () => Promise<T>) => Promise<T> {
  const client = useQueryClient();
  return useCallback(
    async (act) => {
      const result = await act();
      await client.invalidateQueries();
      return result;
    },
    [client],
  );
}
