/** The reader's own requests, and the releases that changed last. */

import { Link } from "react-router";
import type { Change, Release } from "../../api/types";
import { Panel } from "../../design/Blocks";
import { StateTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { kindKey, useText } from "../../i18n";
import { Audience } from "../../rules/Audience";
import { AppIcon, useAppNames, useNamed } from "../apps/names";
import { appOf } from "../releases/kindNames";

export function LatestReleases({ releases }: { releases: readonly Release[] }) {
  const { say } = useText();
  const names = useAppNames();
  return (
    <Panel title={say("overview.recent")} flush extra={<Link to="/releases">{say("common.seeAll")}</Link>}>
      {releases.length === 0 ? (
        <Empty title={say("releases.emptyTitle")} hint={say("releases.emptyHint")} />
      ) : (
        releases.slice(0, 5).map((item) => (
          <Link className="todo" key={item.id} to={`/releases/${item.id}`}>
            <AppIcon app={appOf(item)} name={names(appOf(item)) || appOf(item)} />
            <span className="what">
              <span className="strong">{names(appOf(item)) || appOf(item)}</span>{" "}
              <span className="muted num">{item.version}</span>
              <span className="only-wide block">
                <Audience rule={item.audience} />
              </span>
            </span>
            <StateTag state={item.state} />
            <span className="small muted only-wide">
              <Time ms={item.changed_ms} />
            </span>
          </Link>
        ))
      )}
    </Panel>
  );
}

export function MyRequests({ changes }: { changes: readonly Change[] }) {
  const { say, sayOr } = useText();
  const named = useNamed();
  return (
    <Panel title={say("overview.mine")} flush>
      {changes.map((item) => (
        <Link className="todo" key={item.id} to={`/changes/${item.id}`}>
          <span className="what">
            <span className="strong">{sayOr(kindKey(item.kind), item.kind)}</span>
            <span className="small muted block">{named(item.target_name || item.target)}</span>
          </span>
          <span className="small muted">
            <Time ms={item.created_ms} />
          </span>
        </Link>
      ))}
    </Panel>
  );
}
