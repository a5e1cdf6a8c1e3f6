/** Who is signed in. When a session ends, the page stays below the sign-in with all that was typed. */

import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { query, setAsking } from "../api/client";
import { asProblem } from "../api/problem";
import type { Me } from "../api/types";
import { rememberWorkspace } from "../api/workspace";
import { ErrorState } from "../design/States";
import { SignInDialog, SignInPage } from "../pages/session/SignIn";
import { holds, mayFor, type Thing } from "./rights";

type Session = {
  me: Me;
  may: (permission: string, thing?: Thing) => boolean;
  signOut: (everywhere?: boolean) => Promise<void>;
};

const Context = createContext<Session | null>(null);

export function useSession(): Session {
  const found = useContext(Context);
  if (found === null) throw new Error("useSession outside of a session");
  return found;
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const found = query.useQuery("get", "/session", {}, { retry: false, staleTime: 60_000, refetchOnWindowFocus: true });
  const end = query.useMutation("delete", "/session");
  const endAll = query.useMutation("delete", "/session/everywhere");
  const [hasEnded, setEnded] = useState(false);
  const me = found.data;
  const error: unknown = found.error;
  const problem = error ? asProblem(error) : null;

  useEffect(() => setAsking({ signedOut: () => setEnded(true) }), []);
  useEffect(() => {
    if (!me?.expires_ms) return;
    const left = me.expires_ms - Date.now();
    const timer = setTimeout(() => setEnded(true), Math.min(Math.max(left, 0), 2_000_000_000));
    return () => clearTimeout(timer);
  }, [me?.expires_ms]);
  useEffect(() => {
    if (me) rememberWorkspace(me.workspace);
  }, [me]);

  const session = useMemo<Session | null>(() => {
    if (!me) return null;
    return {
      me,
      may: (permission, thing) => (thing ? mayFor(me, permission, thing) : holds(me, permission)),
      signOut: async (everywhere) => {
        await (everywhere ? endAll : end).mutateAsync({});
        client.clear();
        location.assign("/console/");
      },
    };
  }, [me, client, end.mutateAsync, endAll.mutateAsync, end, endAll]);

  const began = async () => {
    const before = me?.operator;
    const next = (await found.refetch()).data;
    if (before && next && before !== next.operator) location.reload();
    setEnded(false);
    await client.invalidateQueries();
  };

  if (session === null) {
    if (problem === null) return null;
    if (problem.isSignedOut) return <SignInPage onDone={began} />;
    return <ErrorState error={problem} onRetry={() => found.refetch()} />;
  }
  const isOver = hasEnded || problem?.isSignedOut === true;
  return (
    <Context value={session}>
      {children}
      {isOver ? <SignInDialog email={session.me.email} onDone={began} /> : null}
    </Context>
  );
}
