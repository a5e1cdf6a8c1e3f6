/** One release: for whom, how far it got, its history, and what can be done with it now. */

import { Button } from "antd";
import { Link, useNavigate, useParams } from "react-router";
import { query } from "../../api/client";
import type { ReleaseDetail } from "../../api/types";
import { useSession } from "../../app/session";
import { Facts, History, Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { CopyId, Person, StateTag, Tag, Time } from "../../design/Small";
import { Fetch, Loading } from "../../design/States";
import { toneOf } from "../../design/states";
import { useText } from "../../i18n";
import { Audience } from "../../rules/Audience";
import { ExplainLink } from "../explain/ExplainLink";
import { bareVersion } from "../hotfixes/words";
import { CapWords, PlacesTaken } from "./CapWords";
import { clientRulesText } from "./ClientRules";
import { Delivery } from "./Delivery";
import { Gate, isBegun, isEnded, useProgress } from "./Gate";
import { appOf, isPackage, isWatched, kindOf, pageOf, useDeliverableNames, versionPageOf } from "./kinds";
import { Objections, useObjections } from "./Objections";
import { useWords } from "./planWords";
import { ReleaseActions } from "./ReleaseActions";
import { ScheduleWords, StageSteps } from "./StageSteps";
import { useWaiting, Waiting } from "./Waiting";

/** States that want a reason at the top; of others the last cause stands in the history. */
const HALTED: ReadonlySet<string> = new Set(["paused", "stopped", "rolled_back"]);

export default function ReleasePage() {
  const { say, sayOr } = useText();
  const { may } = useSession();
  const { release = "" } = useParams();
  const navigate = useNavigate();
  const names = useDeliverableNames();
  const found = query.useQuery("get", "/releases/{release_id}", { params: { path: { release_id: release } } });
  const item = found.data;
  const progress = useProgress(item);
  const checked = useObjections(item);
  const waiting = useWaiting(item);
  const name = item ? `${names(item.kind, item.deliverable)} ${item.version}` : say("releases.title");
  return (
    <PageFrame
      title={name}
      crumbs={[{ title: say("releases.title"), to: "/releases" }]}
      tags={
        item ? (
          <>
            <StateTag state={item.state} />
            {kindOf(item.kind) === "miniapp" ? null : <Tag>{say(`explain.kind_${kindOf(item.kind)}`)}</Tag>}
          </>
        ) : null
      }
      lead={item?.cause && HALTED.has(item.state) ? say("releases.causeIs", { cause: item.cause }) : undefined}
      actions={
        item ? (
          <>
            <ExplainLink id={item.deliverable} />
            {item.state === "draft" && may("release:create", { app: appOf(item) }) ? (
              <Button onClick={() => navigate(`/releases/${item.id}/edit`)}>{say("releases.edit")}</Button>
            ) : null}
            <ReleaseActions release={item} />
          </>
        ) : null
      }
    >
      <Fetch of={found}>
        {(one) =>
          (isBegun(one) && progress.isPending) || checked.isLoading || waiting.isLoading ? (
            <Loading lines={8} />
          ) : (
            <div className="columns">
              <div className="stack">
                {waiting.data ? <Waiting of={waiting.data} /> : null}
                {checked.data && !isBegun(one) ? <Objections of={checked.data} /> : null}
                <Panel title={say("releases.stages")} hint={<Since of={one} />}>
                  <StageSteps
                    stages={one.stages}
                    {...(isBegun(one) ? { at: one.stage } : {})}
                    isOver={one.state === "completed"}
                    isEnded={isEnded(one)}
                  />
                </Panel>
                {isWatched(one) ? <Gate release={one} /> : null}
                {may("insight:read") && isWatched(one) ? <Delivery release={one.id} /> : null}
                <Panel title={say("common.details")}>
                  <Facts
                    items={[
                      {
                        label: say(`releases.of_${kindOf(one.kind)}`),
                        value: <Link to={pageOf(one.kind, one.deliverable)}>{one.deliverable}</Link>,
                      },
                      {
                        label: say(isHotfix(one) ? "hotfixes.hotfix" : "common.version"),
                        value: isWatched(one) ? (
                          <Link to={versionPageOf(one.kind, one.deliverable, one.sequence)}>
                            {isHotfix(one)
                              ? say("hotfixes.oneOf", {
                                  n: one.sequence,
                                  version: bareVersion(one.version, one.sequence),
                                })
                              : `${one.version} #${one.sequence}`}
                          </Link>
                        ) : (
                          `${one.version} #${one.sequence}`
                        ),
                      },
                      { label: say("releases.audience"), value: <Audience rule={one.audience} /> },
                      ...(one.cap
                        ? [
                            {
                              label: say("plan.cap"),
                              value: (
                                <>
                                  <CapWords of={one.cap} />
                                  {isBegun(one) ? <PlacesTaken release={one.id} /> : null}
                                </>
                              ),
                            },
                          ]
                        : []),
                      ...(one.kind === "app_upgrade"
                        ? []
                        : [
                            {
                              label: say("releases.clientApp"),
                              value: one.client_app ?? say("releases.everyClientApp"),
                            },
                          ]),
                      ...(isWatched(one)
                        ? [
                            {
                              label: say("releases.updateMode"),
                              value: sayOr(`releases.${one.update_mode}`, one.update_mode),
                            },
                          ]
                        : []),
                      ...(isPackage(one)
                        ? [{ label: say("releases.clientRules"), value: clientRulesText(one.client_rules, say) }]
                        : []),
                      {
                        label: say("releases.rollbackTo"),
                        value:
                          one.rollback_to === null
                            ? say("releases.noRollback")
                            : one.rollback_to === 0
                              ? say("hotfixes.versionItself")
                              : `#${one.rollback_to}`,
                      },
                      { label: say("releases.schedule"), value: <ScheduleWords of={one.schedule} /> },
                      { label: say("releases.madeBy"), value: <Person id={one.made_by} /> },
                      { label: say("common.created"), value: <Time ms={one.created_ms} absolute /> },
                      { label: say("common.id"), value: <CopyId value={one.id} /> },
                      ...(isWatched(one)
                        ? [{ label: say("releases.digest"), value: <CopyId value={one.digest} /> }]
                        : []),
                    ]}
                  />
                </Panel>
              </div>
              <Panel title={say("releases.history")}>
                <History
                  lines={one.history.map((line) => ({
                    key: `${line.at_ms}${line.state}${line.stage}`,
                    tone: toneOf(line.state),
                    title: sayOr(`states.${line.state}`, line.state),
                    when: <Time ms={line.at_ms} />,
                    who: (
                      <>
                        <Person id={line.by} />
                        {one.stages.length > 1 ? <StageOf release={one} n={line.stage} /> : null}
                      </>
                    ),
                    text: line.cause,
                  }))}
                />
              </Panel>
            </div>
          )
        }
      </Fetch>
    </PageFrame>
  );
}

/** Whether it gives a hotfix; number 0 is the version without any. */
const isHotfix = ({ kind, sequence }: ReleaseDetail): boolean => kindOf(kind) === "hotfix" && sequence > 0;

/** Since when a running release is in its stage, and what holds it back. */
function Since({ of: release }: { of: ReleaseDetail }) {
  const { say } = useText();
  const { data } = useProgress(release);
  if (release.state !== "running") return null;
  return (
    <>
      {say("releases.since")} <Time ms={release.stage_since_ms} />
      {data && data.next_open_ms === null ? <> · {say("releases.closed")}</> : null}
      {data?.next_open_ms && data.next_open_ms > Date.now() + 60_000 ? (
        <>
          {" "}
          · {say("releases.opens")} <Time ms={data.next_open_ms} absolute />
        </>
      ) : null}
    </>
  );
}

function StageOf({ release, n }: { release: ReleaseDetail; n: number }) {
  const { say } = useText();
  const words = useWords();
  const stage = release.stages[n];
  return <div>{say("releases.historyStage", { n: n + 1, name: stage ? words.stageName(stage) : "" })}</div>;
}
