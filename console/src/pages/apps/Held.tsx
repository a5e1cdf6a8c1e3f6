/** Which versions devices hold. */

import { query } from "../../api/client";
import { Panel } from "../../design/Blocks";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";

export function Held({ app }: { app: string }) {
  const { say } = useText();
  const found = query.useQuery("get", "/insight/inventory/{artefact_id}", { params: { path: { artefact_id: app } } });
  return (
    <Panel title={say("apps.held")}>
      <Fetch of={found} lines={2}>
        {({ items: rows }) => {
          if (rows.length === 0) return <span className="muted">{say("apps.heldEmpty")}</span>;
          const most = Math.max(...rows.map((row) => row.devices));
          return (
            <div className="stack tight">
              {rows.map((row) => (
                <div key={`${row.kind}${row.sequence}`}>
                  <div className="row between small">
                    <span className="num">#{row.sequence}</span>
                    <span className="num muted">{say("apps.devices", { n: row.devices })}</span>
                  </div>
                  <div className="meter">
                    <i style={{ width: `${(100 * row.devices) / most}%` }} />
                  </div>
                </div>
              ))}
            </div>
          );
        }}
      </Fetch>
    </Panel>
  );
}
