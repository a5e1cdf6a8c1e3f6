/** What colleagues are called; all names of a page are asked for in one request. */

import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import { useSession } from "./session";

const ID = /^[a-z]{2,4}_[0-9a-f]{32}$/;
const MOST = 100;
type Answer = { resolve: (name: string) => void; reject: (thrown: unknown) => void };
let wanted = new Map<string, Answer[]>();

function nameOf(id: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (wanted.size === 0) setTimeout(ask, 5);
    wanted.set(id, [...(wanted.get(id) ?? []), { resolve, reject }]);
  });
}

async function ask(): Promise<void> {
  const asked = [...wanted];
  wanted = new Map();
  for (let start = 0; start < asked.length; start += MOST) {
    const part = asked.slice(start, start + MOST);
    try {
      const { data } = await api.GET("/names", { params: { query: { id: part.map(([id]) => id) } } });
      for (const [id, answers] of part) for (const { resolve } of answers) resolve(data?.names[id] ?? "");
    } catch (thrown) {
      for (const [, answers] of part) for (const { reject } of answers) reject(thrown);
    }
  }
}

/** Returns what somebody is called: null while it is being asked for, "" for whoever is no person. */
export function useName(id: string): string | null {
  const { me } = useSession();
  const isMe = id === me.operator || id === me.person;
  const found = useQuery({
    queryKey: ["name", id],
    queryFn: () => nameOf(id),
    enabled: !isMe && ID.test(id),
    staleTime: 600_000,
    retry: false,
  });
  return isMe ? me.name : found.isLoading ? null : (found.data ?? "");
}
