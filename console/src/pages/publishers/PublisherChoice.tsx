/** One of all publishers, searched on the server by name. */

import type { ComponentProps } from "react";
import { query } from "../../api/client";
import { FoundChoice } from "../../design/Choice";

export function PublisherChoice(props: Omit<ComponentProps<typeof FoundChoice<string>>, "useFound">) {
  return <FoundChoice<string> {...props} useFound={usePublishers} />;
}

function usePublishers(search: string) {
  const found = query.useQuery("get", "/publishers", {
    params: { query: { limit: 50, ...(search ? { search } : {}) } },
  });
  const options = found.data?.items.map(({ id, name }) => ({ value: id, label: name }));
  return { options, hasMore: Boolean(found.data?.next_cursor) };
}
