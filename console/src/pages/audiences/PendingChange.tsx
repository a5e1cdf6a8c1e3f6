/** That a change of something waits for a second person, with the way to the request. */

import { Link } from "react-router";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { Note } from "../../design/Blocks";
import { Time } from "../../design/Small";
import { useText } from "../../i18n";

/** Returns the requests that wait to change something; undefined while they are asked for. */
export function useWaiting(kind: string, target: string) {
  const { may } = useSession();
  const isAsked = may("change:read");
  const asked = { params: { query: { kind, target, state: "proposed" as const, limit: 5 } } };
  const found = query.useQuery("get", "/changes", asked, { enabled: isAsked });
  return isAsked ? found.data?.items : [];
}

export function PendingChange({ kind, target }: { kind: string; target: string }) {
  const { say } = useText();
  const waiting = useWaiting(kind, target);
  return waiting?.map((change) => (
    <Note key={change.id} tone="warn">
      <div className="row between">
        <span className="wrap">
          {say(kind === "switch.change" ? "switches.waiting" : "audiences.waiting")}{" "}
          <span className="small">
            {say("audiences.waitingBy", { name: change.maker.name })} · <Time ms={change.created_ms} />
          </span>
        </span>
        <Link to={`/changes/${change.id}`}>{say("common.seeChange")}</Link>
      </div>
    </Note>
  ));
}
