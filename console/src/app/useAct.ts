/** Mutations that make every page look again afterwards. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { asProblem } from "../api/problem";

/**
 * Returns a function that runs an act, then has all shown data fetched anew; also when the act was refused since
 * things are not as this page shows them (409).
 */
export function useAct(): <T>(act: () => Promise<T>) => Promise<T> {
  const client = useQueryClient();
  return useCallback(
    async (act) => {
      try {
        const result = await act();
        await client.cancelQueries(); // what is being read for the first time may be from before the act
        await client.invalidateQueries();
        return result;
      } catch (thrown) {
        if (asProblem(thrown).status === 409) void client.invalidateQueries();
        throw thrown;
      }
    },
    [client],
  );
}
