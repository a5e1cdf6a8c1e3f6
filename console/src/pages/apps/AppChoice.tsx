/** One of all mini-apps, searched on the server by id and name. */

import type { ComponentProps } from "react";
import { query } from "../../api/client";
import { FoundChoice } from "../../design/Choice";
import { useAppNames } from "./names";

export function AppChoice(props: Omit<ComponentProps<typeof FoundChoice<string>>, "useFound">) {
  return <FoundChoice<string> {...props} useFound={useApps} />;
}

function useApps(search: string) {
  const names = useAppNames();
  const found = query.useQuery("get", "/apps", {
    params: { query: { limit: 50, archived: false, ...(search ? { search } : {}) } },
  });
  const options = found.data?.items.map(({ app, name }) => {
    const shown = names(app) || name;
    return { value: app, label: shown && shown !== app ? `${shown} · ${app}` : app };
  });
  return { options, hasMore: Boolean(found.data?.next_cursor) };
}
