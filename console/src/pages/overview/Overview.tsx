/** What needs the reader today, and how the platform is doing. Drawn once all of it is there, so that nothing jumps. */

import { query } from "../../api/client";
import type { Change, Release } from "../../api/types";
import { useSession } from "../../app/session";
import { PageFrame } from "../../design/PageFrame";
import { Loading } from "../../design/States";
import { useText } from "../../i18n";
import { waitingHotfixes } from "../hotfixes/words";
import { Health } from "../system/Health";
import { Activity } from "./Activity";
import { LatestReleases, MyRequests } from "./Latest";
import { NeedsYou } from "./NeedsYou";
import { Tiles } from "./Tiles";
import { Trends } from "./Trends";

const NO_CHANGES: readonly Change[] = [];
const NO_RELEASES: readonly Release[] = [];

export default function Overview() {
  const { say } = useText();
  const { me, may } = useSession();
  const reviews = query.useQuery("get", "/reviews", {}, { enabled: may("version:review") });
  const changes = query.useQuery(
    "get",
    "/changes",
    { params: { query: { state: "proposed", limit: 50 } } },
    { enabled: may("change:read") },
  );
  const waiting = query.useQuery("get", "/trust/pending", {}, { enabled: may("trust:read", {}) });
  const trees = query.useQuery("get", "/trust/trees", {}, { enabled: may("trust:read", {}) });
  const releases = query.useQuery(
    "get",
    "/releases",
    { params: { query: { limit: 50 } } },
    { enabled: may("release:read", {}) },
  );
  const apps = query.useQuery(
    "get",
    "/apps",
    { params: { query: { limit: 200 } } },
    { enabled: may("app:read"), staleTime: 60_000 },
  );
  const catalogue = query.useQuery("get", "/catalogue", {}, { enabled: may("catalogue:read", {}), staleTime: 60_000 });
  const overview = query.useQuery("get", "/overview", {});
  const kinds = query.useQuery("get", "/changes/kinds", {}, { enabled: may("change:read"), staleTime: 600_000 });
  const isLoading = [reviews, changes, waiting, trees, releases, apps, catalogue, overview, kinds].some(
    (found) => found.isLoading,
  );

  const mayApprove = (kind: string) => {
    const found = kinds.data?.items.find((item) => item.name === kind);
    return found !== undefined && may(found.approve);
  };
  const proposed = changes.data?.items ?? NO_CHANGES;
  const others = proposed.filter((item) => item.maker.person !== me.person && mayApprove(item.kind));
  const mine = proposed.filter((item) => item.maker.person === me.person);
  const matters = overview.data?.needs_me.flatMap((group) => group.matters) ?? [];
  const isWide = may("audit:read") || Boolean(overview.data?.platform);

  return (
    <PageFrame
      title={say("overview.hello", { name: me.name })}
      name={say("frame.overview")}
      lead={say("overview.lead")}
    >
      {isLoading ? (
        <div className="panel">
          <Loading lines={8} />
        </div>
      ) : (
        <>
          <Tiles
            reviews={reviews.data?.items}
            hotfixes={waitingHotfixes(matters)}
            changes={changes.data?.items}
            toDecide={others.length}
            releases={releases.data?.items}
            apps={apps.data?.items}
            trees={trees.data?.items}
          />
          <div className={isWide ? "columns" : "stack"}>
            <div className="stack">
              <NeedsYou
                matters={matters}
                versions={reviews.data?.items ?? []}
                changes={others}
                waiting={waiting.data?.items ?? []}
                trees={trees.data?.items ?? []}
              />
              {overview.data ? <Trends overview={overview.data} /> : null}
              {mine.length > 0 ? <MyRequests changes={mine} /> : null}
              {may("release:read", {}) ? <LatestReleases releases={releases.data?.items ?? NO_RELEASES} /> : null}
            </div>
            {isWide ? (
              <div className="stack">
                {overview.data?.platform ? <Health items={overview.data.platform.health} /> : null}
                {may("audit:read") ? <Activity /> : null}
              </div>
            ) : null}
          </div>
        </>
      )}
    </PageFrame>
  );
}
