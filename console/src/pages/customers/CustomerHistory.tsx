/** What happened to a customer's record. */

import { Button } from "antd";
import { query } from "../../api/client";
import { History, Panel } from "../../design/Blocks";
import { useCursor } from "../../design/pages";
import { Time } from "../../design/Small";
import { Empty, Fetch } from "../../design/States";
import { useText } from "../../i18n";

export function CustomerHistory({ customer }: { customer: string }) {
  const { say } = useText();
  const { cursor, size, pagesOf } = useCursor(customer, 20);
  const found = query.useQuery("get", "/customers/{customer_id}/history", {
    params: {
      path: { customer_id: customer },
      query: { limit: size, sort: "-n", ...(cursor ? { cursor } : {}) },
    },
  });
  const pages = pagesOf(found.data);
  return (
    <Panel title={say("customers.history")}>
      <Fetch of={found} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty />
          ) : (
            <>
              <History
                lines={items.map((line) => ({
                  key: String(line.n),
                  tone: "neutral",
                  title: <code>{line.kind}</code>,
                  when: <Time ms={line.at_ms} />,
                  text: factsText(line.facts),
                }))}
              />
              {pages.number > 1 || pages.hasNext ? (
                <div className="row">
                  <Button size="small" disabled={pages.number === 1} onClick={pages.back}>
                    {say("common.previous")}
                  </Button>
                  <Button size="small" disabled={!pages.hasNext} onClick={pages.next}>
                    {say("common.next")}
                  </Button>
                </div>
              ) : null}
            </>
          )
        }
      </Fetch>
    </Panel>
  );
}

function factsText(facts: Record<string, unknown>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ");
}
