/** One hotfix: what it changes, the reviewer's decision about exactly these bytes, who has it, and taking it back. */

import { Link, useParams } from "react-router";
import { query } from "../../api/client";
import { Facts, History, Note, Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { CopyId, Person, StateTag, Time } from "../../design/Small";
import { Fetch, Loading } from "../../design/States";
import { bytes } from "../../design/size";
import { toneOf } from "../../design/states";
import { useText } from "../../i18n";
import { Checks } from "../apps/Checks";
import { useAppNames } from "../apps/names";
import { useIsOwnerAsked, useMayOf } from "../apps/useMayOf";
import { HotfixActions } from "./HotfixActions";
import { FileChange, HotfixChanges } from "./HotfixChanges";
import { HotfixDecision } from "./HotfixDecision";
import { Adoption, Crashes, ReleasesOf } from "./HotfixHealth";
import { type HotfixDetail, hintOf, historyState, hotfixPath, isLive, isOpen, versionPath } from "./words";

/** So many files stand open on the page; of more the list leads to each. */
const OPENED = 3;

export default function HotfixPage() {
  const { say, sayOr } = useText();
  const { app = "", sequence: text = "0", n: number = "0" } = useParams();
  const sequence = Number(text);
  const n = Number(number);
  const may = useMayOf(app);
  const isOwnerAsked = useIsOwnerAsked(app);
  const names = useAppNames();
  const path = { app, sequence };
  const version = query.useQuery("get", "/apps/{app}/versions/{sequence}", { params: { path } });
  const found = query.useQuery("get", "/apps/{app}/versions/{sequence}/hotfixes/{n}", {
    params: { path: { ...path, n } },
  });
  const hotfix = found.data;
  const name = names(app) || version.data?.name || app;
  const named = { app: name, version: version.data?.version ?? `#${sequence}` };
  const title = say("hotfixes.one", { n });
  return (
    <PageFrame
      title={hotfix?.title ? `${title} · ${hotfix.title}` : title}
      crumbs={[
        { title: say("frame.apps"), to: "/apps" },
        { title: name, to: `/apps/${app}` },
        { title: named.version, to: versionPath(app, sequence) },
      ]}
      tags={hotfix ? <StateTag state={hotfix.state} /> : null}
      lead={hotfix ? sayOr(`hotfixes.${hintOf(hotfix)}`, "") : null}
      actions={hotfix && !isOwnerAsked ? <HotfixActions of={hotfix} named={named} /> : null}
    >
      <Fetch of={found}>
        {(item) =>
          isOwnerAsked ? (
            <Loading />
          ) : (
            <div className="columns" key={n}>
              <div className="stack">
                {item.withdrawn ? (
                  <Note tone="warn">
                    <div className="row">
                      {say("hotfixes.withdrawnBy")} <Person id={item.withdrawn.by} /> ·{" "}
                      <Time ms={item.withdrawn.at_ms} absolute />
                    </div>
                    <div className="wrap">{item.withdrawn.cause}</div>
                  </Note>
                ) : null}
                <Changes of={item} />
                {item.releases.length > 0 ? <ReleasesOf of={item} /> : null}
                {item.releases.length > 0 && may("insight:read") ? <Crashes of={item} /> : null}
                {isOpen(item) || item.findings.length > 0 ? <Checks findings={item.findings} /> : null}
                <About of={item} named={named} />
              </div>
              <div className="stack">
                <HotfixDecision of={item} named={named} />
                {item.state === "needs_signature" && may("version:submit") ? <SignAnew of={item} /> : null}
                {item.withdrawn ? null : <Stack of={item} />}
                {isLive(item) && may("insight:read") ? <Adoption of={item} /> : null}
                <Releases of={item} />
                <Panel title={say("apps.history")}>
                  <History
                    lines={item.history.map((line) => {
                      const state = historyState(line.state);
                      return {
                        key: `${line.at_ms}${line.state}`,
                        tone: toneOf(state),
                        title: sayOr(`states.${state}`, state),
                        when: <Time ms={line.at_ms} />,
                        who: <Person id={line.who} />,
                        text: line.note,
                      };
                    })}
                  />
                </Panel>
              </div>
            </div>
          )
        }
      </Fetch>
    </PageFrame>
  );
}

/** The list, and below it the first files as they change. */
function Changes({ of: hotfix }: { of: HotfixDetail }) {
  const { say } = useText();
  const may = useMayOf(hotfix.app);
  const mayLook = isLive(hotfix) || may("version:submit") || may("version:review");
  const isShort = hotfix.changes.length <= OPENED;
  return (
    <>
      <HotfixChanges of={hotfix} isOpened={isShort || !mayLook} />
      {mayLook ? null : <Note tone="neutral">{say("hotfixes.hidden")}</Note>}
      {mayLook && isShort
        ? hotfix.changes.map(({ path }) => (
            <Panel key={path} title={<code className="wrap">{path}</code>}>
              <FileChange of={hotfix} path={path} />
            </Panel>
          ))
        : null}
    </>
  );
}

/** What devices apply together, this one last, and what would fall with it. */
function Stack({ of: { app, sequence, n, on, stack, dependents } }: { of: HotfixDetail }) {
  const { say } = useText();
  const link = (each: number) =>
    each === n ? (
      <span className="strong num">+{each}</span>
    ) : (
      <Link className="num" to={hotfixPath({ app, sequence, n: each })}>
        +{each}
      </Link>
    );
  const shown = stack.length > 0 ? stack : [...on, n];
  return (
    <Panel title={say("hotfixes.stack")}>
      <div className="stack tight">
        <span className="muted small">{say("hotfixes.stackHint")}</span>
        <ol className="row stack-line" aria-label={say("hotfixes.stack")}>
          <li className="muted">{say("hotfixes.onVersion")}</li>
          {shown.map((each) => (
            <li key={each}>{link(each)}</li>
          ))}
        </ol>
        {dependents.length > 0 ? (
          <>
            <span className="muted small">{say("hotfixes.dependents")}</span>
            <div className="row">
              {dependents.map((each) => (
                <span key={each}>{link(each)}</span>
              ))}
            </div>
          </>
        ) : null}
      </div>
    </Panel>
  );
}

function Releases({ of: { releases, state } }: { of: HotfixDetail }) {
  const { say } = useText();
  if (releases.length === 0 && state !== "published") return null;
  return (
    <Panel title={say("hotfixes.releases")}>
      {releases.length === 0 ? <span className="muted">{say("hotfixes.releasesEmpty")}</span> : null}
      <div className="stack tight">
        {releases.map((each) => (
          <div key={each.id} className="row between">
            <Link to={`/releases/${each.id}`}>
              <StateTag state={each.state} />
            </Link>
            <span className="small muted">
              {say("hotfixes.stageOf", { n: each.stage + 1, of: each.stages })}
              {each.started_ms ? (
                <>
                  {" · "}
                  <Time ms={each.started_ms} />
                </>
              ) : null}
            </span>
          </div>
        ))}
      </div>
    </Panel>
  );
}

function About({ of: hotfix, named }: { of: HotfixDetail; named: Record<string, string> }) {
  const { say } = useText();
  const { app, sequence } = hotfix;
  return (
    <Panel title={say("hotfixes.about")}>
      <div className="stack">
        <Facts
          items={[
            {
              label: say("common.version"),
              value: (
                <Link to={versionPath(app, sequence)}>
                  {named.version} <span className="num">#{sequence}</span>
                </Link>
              ),
            },
            { label: say("hotfixes.bytes"), value: bytes(hotfix.bytes) },
            { label: say("apps.submittedBy"), value: <Person id={hotfix.submitted_by} /> },
            { label: say("apps.submitted"), value: <Time ms={hotfix.submitted_ms} absolute /> },
            hotfix.decided_by ? { label: say("apps.decided"), value: <Person id={hotfix.decided_by} /> } : null,
            hotfix.published_ms
              ? { label: say("apps.published"), value: <Time ms={hotfix.published_ms} absolute /> }
              : null,
          ]}
        />
        <Facts
          one
          items={[
            { label: say("hotfixes.digest"), value: <CopyId value={hotfix.digest} whole /> },
            { label: say("apps.reviewDigest"), value: <CopyId value={hotfix.review_digest} whole /> },
          ]}
        />
        <details>
          <summary className="small muted">{say("hotfixes.document")}</summary>
          <pre className="mono small wrap">{JSON.stringify(hotfix.document, null, 2)}</pre>
        </details>
      </div>
    </Panel>
  );
}

function SignAnew({ of: { app, sequence, n } }: { of: HotfixDetail }) {
  const { say } = useText();
  return (
    <Panel title={say("apps.nextUp")}>
      <div className="stack tight">
        <span className="muted">{say("hotfixes.signAnew")}</span>
        <CopyId value={`sampan hotfix publish ${app}-${sequence}-${n}.hotfix --key publisher.pem --wait`} whole />
      </div>
    </Panel>
  );
}
