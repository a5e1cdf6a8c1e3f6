/** Paging by the server's cursors: the way back is remembered, a changed filter begins anew. */

import { useState } from "react";

export type Pages = {
  number: number;
  size: number;
  hasNext: boolean;
  total: number | undefined;
  next: () => void;
  back: () => void;
};

export const PAGE_SIZE = 50;

/** What lists carry beside their items, in all the spellings that the server has. */
type Following = {
  next_cursor?: string | null;
  next?: string | number | null;
  next_before?: string | number | null;
  total?: number | null;
};

/** Returns the cursor of the following page, or null on the last. */
export function nextCursor(page: unknown): string | null {
  const found = (page ?? {}) as Following;
  const next = found.next_cursor ?? found.next ?? found.next_before ?? null;
  return next === null ? null : String(next);
}

type Found<Row> = { data?: { items: Row[] } | undefined; error: unknown; refetch: () => unknown };

/** Returns what a query asks for the present page, and what a table or a pager needs of the answer. */
export function useCursor(filters: unknown, size = PAGE_SIZE) {
  const about = JSON.stringify(filters);
  const [state, setState] = useState<{ about: string; trail: string[] }>({ about, trail: [] });
  const trail = state.about === about ? state.trail : [];
  const pagesOf = (page: unknown): Pages => {
    const next = nextCursor(page);
    return {
      number: trail.length + 1,
      size,
      hasNext: next !== null,
      total: (page as Following | undefined)?.total ?? undefined,
      next: () => next !== null && setState({ about, trail: [...trail, next] }),
      back: () => setState({ about, trail: trail.slice(0, -1) }),
    };
  };
  const cursor = trail.at(-1);
  const tableOf = <Row>(found: Found<Row>) => ({
    rows: found.data?.items,
    error: found.error,
    onRetry: () => found.refetch(),
    pages: pagesOf(found.data),
  });
  return { page: { limit: size, ...(cursor ? { cursor } : {}) }, pagesOf, tableOf };
}

/** Pages a list that the server sends whole. */
export function useLocalPages<Row>(rows: readonly Row[] | undefined, filters: unknown, size = PAGE_SIZE) {
  const about = JSON.stringify(filters);
  const [state, setState] = useState({ about, page: 0 });
  const page = state.about === about ? state.page : 0;
  const shown = rows?.slice(page * size, (page + 1) * size);
  const pages: Pages = {
    number: page + 1,
    size,
    hasNext: (rows?.length ?? 0) > (page + 1) * size,
    total: rows?.length,
    next: () => setState({ about, page: page + 1 }),
    back: () => setState({ about, page: page - 1 }),
  };
  return { rows: shown, pages };
}
