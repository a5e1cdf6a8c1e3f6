/** What names a tag or a saved audience in its rules, with the way there. */

import { Link } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Pager } from "../../design/PageTable";
import { type Pages, useCursor } from "../../design/pages";
import { Empty, Fetch } from "../../design/States";
import { useText } from "../../i18n";
import "./audiences.css";

export type Use = components["schemas"]["UseOut"];
type Found = components["schemas"]["Page_UseOut_"];
const SOME = 20;
const PLACES: Readonly<Record<string, string>> = { release: "/releases", switch: "/switches", audience: "/audiences" };

/** Asks for a page of the uses of a tag or of a saved audience. */
export function useUses(what: "tag" | "audience", id: string) {
  const { page, pagesOf } = useCursor(id, SOME);
  const ofTag = { params: { path: { tag: id }, query: page } };
  const ofAudience = { params: { path: { audience_id: id }, query: page } };
  const tag = query.useQuery("get", "/tags/{tag}/uses", ofTag, { enabled: what === "tag" });
  const audience = query.useQuery("get", "/audiences/{audience_id}/uses", ofAudience, { enabled: what === "audience" });
  const found = what === "tag" ? tag : audience;
  return { found, pages: pagesOf(found.data), isPending: found.isPending };
}

type Asked = {
  found: { data: Found | undefined; error: unknown; isPending: boolean; refetch: () => unknown };
  pages: Pages;
};

export function Uses({ of: { found, pages }, none, hint }: { of: Asked; none: string; hint: string }) {
  return (
    <Fetch of={found} lines={2}>
      {({ items }) =>
        items.length === 0 && pages.number === 1 ? (
          <Empty title={none} hint={hint} />
        ) : (
          <>
            <div className="panel-body">
              <UseNames items={items} />
            </div>
            <Pager pages={pages} shown={items.length} />
          </>
        )
      }
    </Fetch>
  );
}

export function UseNames({ items }: { items: readonly Use[] }) {
  const { sayOr } = useText();
  return (
    <ul className="uses">
      {items.map((use) => (
        <li key={use.kind + use.id}>
          <span className="small muted">{sayOr(`audiences.use_${use.kind}`, use.kind)}</span>
          {PLACES[use.kind] ? (
            <Link className="wrap" to={`${PLACES[use.kind]}/${encodeURIComponent(use.id)}`}>
              {use.name}
            </Link>
          ) : (
            <span className="wrap">{use.name}</span>
          )}
        </li>
      ))}
    </ul>
  );
}
