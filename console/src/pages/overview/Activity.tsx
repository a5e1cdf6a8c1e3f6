/** The latest lines of the audit, in words. */

import { Link } from "react-router";
import { query } from "../../api/client";
import { Panel } from "../../design/Blocks";
import { Person, Time } from "../../design/Small";
import { Empty, Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { useAppNames } from "../apps/names";
import { useActions, whoOf } from "../audit/rows";

export function Activity() {
  const { say } = useText();
  const acted = useActions();
  const names = useAppNames();
  const found = query.useQuery("get", "/audit", { params: { query: { limit: 8 } } });
  return (
    <Panel title={say("overview.activity")} flush extra={<Link to="/audit">{say("common.seeAll")}</Link>}>
      <Fetch of={found} lines={6}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title={say("overview.noActivity")} />
          ) : (
            page.items.map((row) => (
              <div className="todo tight" key={row.n}>
                <span className="what">
                  <span>{acted(row.action)}</span>
                  {names(row.target) ? <span className="muted"> · {names(row.target)}</span> : null}
                  <span className="row between small muted">
                    <Person id={whoOf(row)} />
                    <Time ms={row.at_ms} />
                  </span>
                </span>
              </div>
            ))
          )
        }
      </Fetch>
    </Panel>
  );
}
