/** Editions of a switch that only releases give: what differs from what everybody is served, and releasing it. */

import { Link } from "react-router";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { Editions } from "../../design/Editions";
import { useCursor } from "../../design/pages";
import { useText } from "../../i18n";

export function Proposals({ switchKey: key }: { switchKey: string }) {
  const { say } = useText();
  const { may } = useSession();
  const { page, pagesOf } = useCursor(`proposals ${key}`, 10);
  const found = query.useQuery("get", "/switches/{switch}/proposals", {
    params: { path: { switch: key }, query: page },
  });
  if (!found.data || found.data.items.length === 0) return null;
  return (
    <Panel title={say("switches.proposals")} hint={say("switches.proposalsHint")} flush>
      <Editions
        pages={pagesOf(found.data)}
        lines={found.data.items.map((each) => ({
          edition: each.edition,
          tone: "info",
          tags: may("release:create") ? (
            <Link to={`/releases/new?kind=switch&app=${encodeURIComponent(key)}&sequence=${each.edition}`}>
              {say("switches.release")}
            </Link>
          ) : null,
          by: each.made_by,
          at: each.at_ms,
          cause: each.cause,
          diff: each.diff,
        }))}
      />
    </Panel>
  );
}
