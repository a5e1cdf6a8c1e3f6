/** One deliverable with its answer; on demand every release of it with the tree of its rule. */

import { Link } from "react-router";
import { StateTag, Tag, Time } from "../../design/Small";
import { useText } from "../../i18n";
import { ExplainTree, type Explanation, OutcomeSign } from "../../rules/ExplainTree";
import { percent, useRuleWords } from "../../rules/ruleWords";
import { AppName } from "../apps/names";
import { patchedOf } from "../hotfixes/words";
import { answerOf, type Item, type Judged, newerOf, whySaid } from "./answer";

export function Deliverable({ item, isOpen }: { item: Item; isOpen?: boolean }) {
  const { say, sayOr } = useText();
  const words = useRuleWords();
  const answer = answerOf(item);
  const newer = newerOf(item);
  const given = item.offered;
  const why = say(`explain.why_${item.reason}`);
  const more = newer === null ? "" : moreSaid(newer, whySaid(newer, say, words));
  /** What the answer does not say yet: why the newest version is not given. */
  function moreSaid({ version }: Judged, because: string): string {
    if (given) return say("explain.not", { version, why: because });
    return because === why ? "" : because;
  }
  return (
    <details className="panel explained" open={isOpen}>
      <summary>
        <span className="explained-name">
          {item.kind === "miniapp" ? (
            <AppName app={item.id} />
          ) : item.kind === "hotfix" ? (
            <AppName app={patchedOf(item.id).app}>
              <Tag>
                {say("explain.kind_hotfix")} #{patchedOf(item.id).sequence}
              </Tag>
            </AppName>
          ) : (
            <span>
              <span className="strong wrap">{item.id}</span>
              <span className="sub" style={{ display: "block" }}>
                {sayOr(`explain.kind_${item.kind}`, item.kind)}
              </span>
            </span>
          )}
        </span>
        <span className="explained-answer">
          <Tag tone={answer.tone}>{say(answer.key, { ...answer.values, why })}</Tag>
          {more ? <span className="small muted wrap">{more}</span> : null}
        </span>
      </summary>
      <div className="panel-body stack">
        {item.releases.map((release) => (
          <OneRelease key={release.release} release={release} isGiven={release.release === given?.release} />
        ))}
        {item.more > 0 ? <p className="small muted">{say("explain.more", { n: item.more })}</p> : null}
      </div>
    </details>
  );
}

function OneRelease({ release, isGiven }: { release: Judged; isGiven: boolean }) {
  const { say } = useText();
  const words = useRuleWords();
  const { stage, cap } = release;
  const shape = { n: stage.number, of: stage.of, share: percent(stage.basis_points) };
  return (
    <section className={isGiven ? "explained-release given" : "explained-release"}>
      <div className="row explained-head">
        <OutcomeSign outcome={release.outcome} />
        <Link className="strong" to={`/releases/${release.release}`}>
          {release.version} <span className="faint">#{release.sequence}</span>
        </Link>
        <StateTag state={release.state} />
        <span className="small muted">{say("explain.stage", shape)}</span>
        {cap ? (
          <span className="small muted">
            {say("explain.cap", { taken: cap.taken, places: cap.customers })}
            {cap.has_place || cap.would_get
              ? ` · ${say(cap.has_place ? "explain.capHas" : "explain.capWouldGet")}`
              : ""}
          </span>
        ) : null}
      </div>
      <p className="wrap">
        {whySaid(release, say, words)}
        {release.cause ? (
          <span className="small muted">
            {" "}
            · {release.cause} · <Time ms={release.changed_ms} />
          </span>
        ) : null}
      </p>
      <ExplainTree of={release.rule as Explanation} />
    </section>
  );
}
