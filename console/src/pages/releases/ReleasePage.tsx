/** One release: for whom, how far it got, its history, and what can be done with it now. */

import { Link, useParams } from "react-router";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { Facts, History, Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { CopyId, Person, StateTag, Time } from "../../design/Small";
import { Fetch } from "../../design/States";
import { toneOf } from "../../design/states";
import { useText } from "../../i18n";
import { useAppNames } from "../apps/names";
import { Audience } from "./Audience";
import { Delivery } from "./Delivery";
import { ReleaseActions } from "./ReleaseActions";

export default function ReleasePage() {
  const { say, sayOr } = useText();
  const { may } = useSession();
  const { release = "" } = useParams();
  const names = useAppNames();
  const found = query.useQuery("get", "/releases/{release_id}", { params: { path: { release_id: release } } });
  const item = found.data;
  const name = item ? `${names(item.deliverable) || item.deliverable} ${item.version}` : say("releases.title");
  return (
    <PageFrame
      title={name}
      crumbs={[{ title: say("releases.title"), to: "/releases" }]}
      tags={item ? <StateTag state={item.state} /> : null}
      lead={item?.cause}
      actions={item ? <ReleaseActions release={item} /> : null}
    >
      <Fetch of={found}>
        {(one) => (
          <div className="columns">
            <div className="stack">
              {may("insight:read") ? <Delivery release={one.id} /> : null}
              <Panel title={say("common.details")}>
                <Facts
                  items={[
                    {
                      label: say("releases.deliverable"),
                      value: <Link to={`/apps/${one.deliverable}`}>{one.deliverable}</Link>,
                    },
                    {
                      label: say("common.version"),
                      value: (
                        <Link to={`/apps/${one.deliverable}/versions/${one.sequence}`}>
                          {one.version} #{one.sequence}
                        </Link>
                      ),
                    },
                    { label: say("releases.audience"), value: <Audience rule={one.audience} /> },
                    { label: say("releases.clientApp"), value: one.client_app ?? say("releases.everyClientApp") },
                    {
                      label: say("releases.updateMode"),
                      value: sayOr(`releases.${one.update_mode}`, one.update_mode),
                    },
                    {
                      label: say("releases.rollbackTo"),
                      value: one.rollback_to === null ? say("releases.noRollback") : `#${one.rollback_to}`,
                    },
                    { label: say("releases.madeBy"), value: <Person id={one.made_by} /> },
                    { label: say("common.created"), value: <Time ms={one.created_ms} absolute /> },
                    { label: say("common.id"), value: <CopyId value={one.id} /> },
                    { label: say("releases.digest"), value: <CopyId value={one.digest} /> },
                  ]}
                />
              </Panel>
            </div>
            <Panel title={say("releases.history")}>
              <History
                lines={one.history.map((line) => ({
                  key: `${line.at_ms}${line.state}`,
                  tone: toneOf(line.state),
                  title: sayOr(`states.${line.state}`, line.state),
                  when: <Time ms={line.at_ms} />,
                  who: <Person id={line.by} />,
                  text: line.cause,
                }))}
              />
            </Panel>
          </div>
        )}
      </Fetch>
    </PageFrame>
  );
}
