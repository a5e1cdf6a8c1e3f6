/** What happened to a tag beside its imports, from the audit. */

import { query } from "../../api/client";
import { History, Panel } from "../../design/Blocks";
import { Pager } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Person, Time } from "../../design/Small";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { useCount } from "./states";

export function TagHistory({ tag }: { tag: string }) {
  const { say, sayOr } = useText();
  const count = useCount();
  const { page, pagesOf } = useCursor(tag, 10);
  const found = query.useQuery("get", "/audit", { params: { query: { ...page, target: tag } } });
  return (
    <Panel title={say("tags.history")} flush>
      <Fetch of={found} lines={3}>
        {(rows) => (
          <>
            <div className="panel-body">
              {rows.items.length === 0 ? <p className="muted">{say("tags.historyNone")}</p> : null}
              <History
                lines={rows.items.map((row) => ({
                  key: String(row.n),
                  tone: row.action === "tag.delete" ? "bad" : "info",
                  title: sayOr(`actions.${row.action.replace(".", "_")}`, row.action),
                  when: <Time ms={row.at_ms} />,
                  who: <Person id={row.actor.operator || row.actor.person} />,
                  ...(row.action === "tag.members"
                    ? {
                        text: say("tags.historyMembers", {
                          added: count(Number(row.detail.added ?? 0)),
                          removed: count(Number(row.detail.removed ?? 0)),
                        }),
                      }
                    : {}),
                }))}
              />
            </div>
            <Pager pages={pagesOf(rows)} shown={rows.items.length} />
          </>
        )}
      </Fetch>
    </Panel>
  );
}
