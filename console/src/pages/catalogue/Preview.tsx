/** What a customer of a tier sees, in a small phone. */

import { LockOutlined } from "@ant-design/icons";
import { Segmented } from "antd";
import { useState } from "react";
import { query } from "../../api/client";
import { TIERS, type Tier } from "../../api/types";
import { Empty, Fetch } from "../../design/States";
import { pick, useText } from "../../i18n";
import { Icon } from "../apps/names";
import "./preview.css";

export function Preview() {
  const { say, language } = useText();
  const [tier, setTier] = useState<Tier>("visitor");
  const found = query.useQuery("get", "/catalogue/preview/{tier}", {
    params: { path: { tier }, query: { limit: 200 } },
  });
  const categories = query.useQuery("get", "/catalogue/categories", { params: { query: { limit: 200 } } });
  const headings = [...(categories.data?.items ?? [])];
  return (
    <div className="stack" style={{ alignItems: "flex-start" }}>
      <p className="muted">{say("catalogue.previewLead")}</p>
      <div style={{ maxWidth: "100%", overflowX: "auto" }}>
        <Segmented<Tier>
          value={tier}
          onChange={setTier}
          options={TIERS.map((value) => ({ value, label: say(`tiers.${value}`) }))}
        />
      </div>
      <div className="phone">
        <Fetch of={found} lines={6}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={say("catalogue.previewEmpty")} />
            ) : (
              headings
                .filter((heading) => items.some((item) => item.category === heading.id))
                .map((heading) => (
                  <section key={heading.id}>
                    <h3>{pick(language, { zh: heading.name_zh, en: heading.name_en })}</h3>
                    <div className="phone-apps">
                      {items
                        .filter((item) => item.category === heading.id)
                        .map((item) => (
                          <div key={item.id} className={item.may_open ? "phone-app" : "phone-app locked"}>
                            <span className="app-icon" aria-hidden="true">
                              <Icon app={item.id} letter={[...pick(language, item.name)][0] ?? ""} />
                            </span>
                            <span>
                              {pick(language, item.name)}
                              {item.may_open ? null : (
                                <LockOutlined aria-label={say("catalogue.locked")} style={{ marginLeft: 6 }} />
                              )}
                            </span>
                            <small>{pick(language, item.text)}</small>
                          </div>
                        ))}
                    </div>
                  </section>
                ))
            )
          }
        </Fetch>
      </div>
    </div>
  );
}
