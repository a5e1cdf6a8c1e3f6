/** The latest lines of the audit, in short. */

import { Link } from "react-router";
import { query } from "../../api/client";
import { Panel } from "../../design/Blocks";
import { Person, Time } from "../../design/Small";
import { Empty, Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { whoOf } from "../audit/rows";

export function Activity() {
  const { say } = useText();
  const found = query.useQuery("get", "/audit", { params: { query: { limit: 9 } } });
  return (
    <Panel title={say("overview.activity")} flush extra={<Link to="/audit">{say("common.seeAll")}</Link>}>
      <Fetch of={found} lines={6}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty />
          ) : (
            page.items.map((row) => (
              <div className="todo" key={row.n}>
                <span className="what">
                  <span className="row between">
                    <code className="small">{row.action}</code>
                    <span className="small muted">
                      <Time ms={row.at_ms} />
                    </span>
                  </span>
                  <span className="small muted">
                    <Person id={whoOf(row)} />
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
