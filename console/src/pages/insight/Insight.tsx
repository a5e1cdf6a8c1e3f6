/** How an app is used and how it does, what devices hold of it, and how far its releases got. */

import { FunnelPlotOutlined } from "@ant-design/icons";
import { Button, Segmented } from "antd";
import { lazy, Suspense } from "react";
import { useNavigate } from "react-router";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { Empty, Fetch, Loading } from "../../design/States";
import { shortTime } from "../../design/time";
import { useText } from "../../i18n";
import { AppChoice } from "../apps/AppChoice";
import { useAppNames } from "../apps/names";
import { Delivery } from "../releases/Delivery";
import { AppErrors, AppHealth, useAppErrors, useAppHealth } from "./AppHealth";
import { Activity, Adoption, Numbers, useAdoption, useSummary, useVersionFunnels, Versions } from "./Summary";

const Bars = lazy(() => import("./Bars"));
const RANGES = [7, 30, 90] as const;

export default function Insight() {
  const { say, language } = useText();
  const { may } = useSession();
  const navigate = useNavigate();
  const names = useAppNames();
  const { values, set } = useFilters();
  const apps = query.useQuery("get", "/apps", { params: { query: { limit: 200 } } }, { enabled: may("app:read") });
  const days = RANGES.find((one) => String(one) === values.days) ?? 30;
  const app = values.app ?? apps.data?.items[0]?.app ?? "";
  const held = query.useQuery(
    "get",
    "/insight/inventory/{artefact_id}",
    { params: { path: { artefact_id: app }, query: { limit: 100 } } },
    { enabled: app !== "" },
  );
  const releases = query.useQuery(
    "get",
    "/releases",
    { params: { query: { deliverable: app, limit: 5, sort: "-changed" } } },
    { enabled: app !== "" && may("release:read", {}) },
  );
  // The parts come together: one that came late would push those below it down.
  const health = useAppHealth(app);
  const errors = useAppErrors(app);
  const summary = useSummary(app, days);
  const adoption = useAdoption(app, days);
  const funnels = useVersionFunnels(app, days);
  const parts = [apps, held, releases, health, errors, summary, adoption, funnels];
  const isLoading = parts.some((found) => found.isLoading);
  return (
    <PageFrame
      title={say("insight.title")}
      lead={say("insight.lead")}
      actions={
        <>
          <AppChoice
            aria-label={say("common.app")}
            style={{ minWidth: 240 }}
            value={app || null}
            onChange={(value) => set("app", value ?? "")}
          />
          <fieldset className="plain" aria-label={say("insight.range")}>
            <Segmented<number>
              value={days}
              onChange={(value) => set("days", String(value))}
              options={RANGES.map((n) => ({ value: n, label: say("insight.lastDays", { n }) }))}
            />
          </fieldset>
          <Button icon={<FunnelPlotOutlined />} onClick={() => navigate("/insight/funnel")}>
            {say("insight.funnel")}
          </Button>
        </>
      }
    >
      {isLoading ? (
        <div className="panel">
          <Loading lines={8} />
        </div>
      ) : app === "" ? (
        <div className="panel">
          <Empty title={say("apps.emptyTitle")} hint={say("insight.noDevicesHint")} />
        </div>
      ) : (
        <>
          <Fetch of={summary} lines={3}>
            {(found) => <Numbers of={found} />}
          </Fetch>
          <Fetch of={adoption} lines={6}>
            {(found) => <Adoption of={found} />}
          </Fetch>
          {summary.data ? <Activity of={summary.data} /> : null}
          <Versions of={funnels} />
          <Panel title={say("insight.held")}>
            <Fetch of={held}>
              {({ items }) =>
                items.length === 0 ? (
                  <Empty title={say("insight.noDevices")} hint={say("insight.noDevicesHint")} />
                ) : (
                  <Suspense fallback={<div style={{ height: 260 }} />}>
                    <Bars
                      title={say("insight.chart", { app: names(app) || app })}
                      bars={items.map((item) => ({ name: `#${item.sequence}`, value: item.devices }))}
                    />
                  </Suspense>
                )
              }
            </Fetch>
          </Panel>
          <AppHealth app={app} />
          <AppErrors app={app} />
          <div className="columns even">
            {releases.data?.items.map((item) => (
              <Delivery
                key={item.id}
                release={item.id}
                title={`${names(item.deliverable) || item.deliverable} ${item.version} · ${shortTime(item.created_ms, language)}`}
              />
            ))}
          </div>
        </>
      )}
    </PageFrame>
  );
}
