/** Names of colleagues, for readers who may see the accounts. */

import { query } from "../api/client";
import { useSession } from "./session";

/** Returns a function from an operator's or a person's id to the name, "" where it is not known. */
export function usePeople(): (id: string) => string {
  const { me, may } = useSession();
  const found = query.useQuery("get", "/operators", {}, { enabled: may("operator:read"), staleTime: 300_000 });
  return (id) => {
    if (id === me.operator || id === me.person) return me.name;
    return found.data?.items.find((one) => one.id === id || one.person === id)?.name ?? "";
  };
}
