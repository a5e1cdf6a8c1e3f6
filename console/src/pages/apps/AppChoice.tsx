/** One of all apps, or of those of a kind, searched on the server by id and name. */

import type { ComponentProps } from "react";
import { query } from "../../api/client";
import { FoundChoice } from "../../design/Choice";
import { useAppNames } from "./names";

type Props = Omit<ComponentProps<typeof FoundChoice<string>>, "useFound"> & { kind?: string };

export function AppChoice({ kind, ...props }: Props) {
  const useFound = (search: string) => useApps(search, kind);
  return <FoundChoice<string> {...props} useFound={useFound} />;
}

function useApps(search: string, kind: string | undefined) {
  const names = useAppNames();
  const found = query.useQuery("get", "/apps", {
    params: { query: { limit: 50, archived: false, ...(kind ? { kind } : {}), ...(search ? { search } : {}) } },
  });
  const options = found.data?.items.map(({ app, name }) => {
    const shown = names(app) || name;
    return { value: app, label: shown && shown !== app ? `${shown} · ${app}` : app };
  });
  return { options, hasMore: Boolean(found.data?.next_cursor) };
}
