/** What devices hold, app by app, and how far running releases got. */

import { lazy, Suspense } from "react";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { Empty, Fetch, Loading } from "../../design/States";
import { useText } from "../../i18n";
import { AppChoice } from "../apps/AppChoice";
import { useAppNames } from "../apps/names";
import { Delivery } from "../releases/Delivery";
import { AppErrors, AppHealth, useAppErrors, useAppHealth } from "./AppHealth";

const Bars = lazy(() => import("./Bars"));

export default function Insight() {
  const { say } = useText();
  const { may } = useSession();
  const names = useAppNames();
  const { values, set } = useFilters();
  const apps = query.useQuery("get", "/apps", { params: { query: { limit: 200 } } }, { enabled: may("app:read") });
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
    { enabled: app !== "" && may("release:read") },
  );
  // The parts come together: one that came late would push those below it down.
  const health = useAppHealth(app);
  const errors = useAppErrors(app);
  const isLoading = [apps, held, releases, health, errors].some((found) => found.isLoading);
  return (
    <PageFrame
      title={say("insight.title")}
      lead={say("insight.lead")}
      actions={
        <AppChoice
          aria-label={say("common.app")}
          style={{ minWidth: 240 }}
          value={app || null}
          onChange={(value) => set("app", value ?? "")}
        />
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
                title={`${names(item.deliverable) || item.deliverable} ${item.version}`}
              />
            ))}
          </div>
        </>
      )}
    </PageFrame>
  );
}
