/** What happened to a customer's record. */

import { Button } from "antd";
import { query } from "../../api/client";
import { History, Panel } from "../../design/Blocks";
import { useCursor } from "../../design/pages";
import { CopyId, Person, TierTag, Time } from "../../design/Small";
import { Empty, Fetch } from "../../design/States";
import type { Tone } from "../../design/tokens";
import { useText } from "../../i18n";

const TONES: Record<string, Tone> = { created: "good", tier: "brand", epoch: "warn", erased: "bad", device: "info" };

export function CustomerHistory({ customer }: { customer: string }) {
  const { say, sayOr } = useText();
  const { page, pagesOf } = useCursor(customer, 20);
  const found = query.useQuery("get", "/customers/{customer_id}/history", {
    params: {
      path: { customer_id: customer },
      query: { ...page, sort: "-n" },
    },
  });
  const pages = pagesOf(found.data);
  const told = ({ kind, facts }: { kind: string; facts: Record<string, unknown> }) => {
    const text = (name: string) => (typeof facts[name] === "string" ? (facts[name] as string) : "");
    const name = kind === "device" ? `customers.device_${text("cause")}` : `customers.history_${kind}`;
    return {
      tone: TONES[kind] ?? ("neutral" as const),
      title: (
        <span className="row">
          {sayOr(name, kind)}
          {text("before") && text("tier") ? (
            <>
              <TierTag tier={text("before")} /> <span aria-hidden="true">→</span>
            </>
          ) : null}
          {text("tier") ? <TierTag tier={text("tier")} /> : null}
          {kind === "device" ? <CopyId value={text("device")} /> : null}
        </span>
      ),
      who: text("by") ? <Person id={text("by")} /> : null,
      text: text("reason"),
    };
  };
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
                  ...told(line),
                  when: <Time ms={line.at_ms} />,
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
