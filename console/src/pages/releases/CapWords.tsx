/** A cap in words, and how many of its places are taken. */

import { query } from "../../api/client";
import { Time } from "../../design/Small";
import { useText } from "../../i18n";
import type { Cap } from "./plan";

export function CapWords({ of: cap }: { of: Cap }) {
  const { say } = useText();
  return (
    <>
      {say("plan.capWords", { n: cap.customers.toLocaleString() })}
      {cap.until_ms ? (
        <>
          {" · "}
          {say("plan.capUntil")} <Time ms={cap.until_ms} absolute />
        </>
      ) : null}
    </>
  );
}

/** Of a release: its places that are taken. */
export function PlacesTaken({ release }: { release: string }) {
  const { say } = useText();
  const params = { path: { release_id: release } };
  const { data } = query.useQuery("get", "/releases/{release_id}/places", { params }, { refetchInterval: 15_000 });
  if (!data) return null;
  const text = say("releases.placesTaken", { taken: data.taken.toLocaleString(), all: data.places.toLocaleString() });
  return (
    <div className="small muted">
      {text}
      {data.is_closed ? ` · ${say("releases.placesClosed")}` : ""}
    </div>
  );
}
