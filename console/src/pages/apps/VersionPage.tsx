/** One version: what it is, what it changes, what the checks found, and the reviewer's decision about exactly these bytes. */

import { DownloadOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { lazy, Suspense } from "react";
import { useParams } from "react-router";
import { query } from "../../api/client";
import type { VersionDetail } from "../../api/types";
import { apiRoot } from "../../api/workspace";
import { Facts, History, Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { CopyId, Person, StateTag, Tag, Time } from "../../design/Small";
import { Fetch, Loading } from "../../design/States";
import { bytes } from "../../design/size";
import { toneOf } from "../../design/states";
import { useText } from "../../i18n";
import { Hotfixes, useHotfixes } from "../hotfixes/Hotfixes";
import { Checks } from "./Checks";
import { Comments } from "./Comments";
import { Differences } from "./Differences";
import { NextStep } from "./NextStep";
import { useAppNames } from "./names";
import { TrialCode } from "./TrialCode";
import { useIsOwnerAsked } from "./useMayOf";
import { VersionActions } from "./VersionActions";
import { VersionDecision } from "./VersionDecision";

/** The bridge's other end and the boot page's: a piece of its own, fetched where a version is looked at. */
const previewPiece = () => import("./PhonePreview");
const PhonePreview = lazy(previewPiece);
void previewPiece().catch(() => undefined);

export default function VersionPage() {
  const { say, sayOr } = useText();
  const { app = "", sequence = "0" } = useParams();
  const names = useAppNames();
  const found = query.useQuery("get", "/apps/{app}/versions/{sequence}", {
    params: { path: { app, sequence: Number(sequence) } },
  });
  // They stand above the rest, which would be pushed down when they came later.
  const hotfixes = useHotfixes(app, Number(sequence));
  const isOwnerAsked = useIsOwnerAsked(app);
  const name = names(app) || found.data?.name || app;
  const version = found.data;
  return (
    <PageFrame
      title={version ? `${name} ${version.version}` : name}
      crumbs={[
        { title: say("frame.apps"), to: "/apps" },
        { title: name, to: `/apps/${app}` },
      ]}
      tags={
        version ? (
          <>
            <StateTag state={version.state} />
            {version.urgent ? <Tag tone="warn">{say("apps.urgent")}</Tag> : null}
          </>
        ) : null
      }
      lead={version ? sayOr(`apps.stateHint_${version.state}`, "") : null}
      actions={version && !isOwnerAsked ? <VersionActions version={version} name={name} /> : null}
    >
      <Fetch of={found}>
        {(item) =>
          hotfixes.isLoading || isOwnerAsked ? (
            <Loading />
          ) : (
            <div className="columns">
              <div className="stack">
                <Hotfixes version={item} />
                <Checks findings={item.findings} />
                <Suspense fallback={<PreviewToCome />}>
                  <PhonePreview version={item} name={name} />
                </Suspense>
                <Differences version={item} />
                <About version={item} />
              </div>
              <div className="stack">
                <VersionDecision version={item} name={name} />
                <NextStep version={item} />
                <Comments version={item} />
                {item.trial ? <TrialCode url={item.trial_url} /> : null}
                <Panel title={say("apps.history")}>
                  <History
                    lines={item.history.map((line) => ({
                      key: `${line.at_ms}${line.state}`,
                      tone: toneOf(line.state),
                      title: sayOr(`states.${line.state}`, line.state),
                      when: <Time ms={line.at_ms} />,
                      who: <Person id={line.who} />,
                      text: line.note,
                    }))}
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

/** As high as the preview before it begins, so that nothing below moves when it comes. */
function PreviewToCome() {
  const { say } = useText();
  return (
    <Panel title={say("apps.preview")}>
      <div className="stack">
        <span className="muted">{say("apps.previewLead")}</span>
        <div />
      </div>
    </Panel>
  );
}

function About({ version }: { version: VersionDetail }) {
  const { say } = useText();
  return (
    <Panel
      title={say("apps.facts")}
      extra={
        <Button
          size="small"
          icon={<DownloadOutlined />}
          href={`${apiRoot()}/apps/${version.app}/versions/${version.sequence}/package`}
        >
          {say("apps.download")}
        </Button>
      }
    >
      <div className="stack">
        <Facts
          items={[
            { label: say("common.sequence"), value: <span className="num">{version.sequence}</span> },
            { label: say("apps.size"), value: `${bytes(version.size_bytes)} · ${version.files} ${say("apps.files")}` },
            { label: say("apps.submittedBy"), value: <Person id={version.submitted_by} /> },
            { label: say("apps.submitted"), value: <Time ms={version.submitted_ms} absolute /> },
            version.origin
              ? {
                  label: say("apps.origin"),
                  value: (
                    <span className="wrap">
                      {say("apps.originFrom", {
                        workspace: version.origin.workspace,
                        server: version.origin.server,
                        who: version.origin.approved_by || "—",
                      })}{" "}
                      <Time ms={version.origin.approved_ms} absolute />
                      <br />
                      <span className="muted">
                        {say("apps.originClaim")} <Person id={version.origin.claimed_by} />
                      </span>
                    </span>
                  ),
                }
              : null,
            version.decided_by ? { label: say("apps.decided"), value: <Person id={version.decided_by} /> } : null,
            version.published_ms
              ? { label: say("apps.published"), value: <Time ms={version.published_ms} absolute /> }
              : null,
            { label: say("apps.minHost"), value: version.min_host },
            { label: say("apps.floor"), value: version.floor },
            version.dependencies.length > 0 && {
              label: say("apps.dependencies"),
              value: version.dependencies.map((item) => item.id).join(", "),
            },
          ]}
        />
        <Facts
          one
          items={[
            { label: say("apps.packageDigest"), value: <CopyId value={version.digest} whole /> },
            { label: say("apps.archiveDigest"), value: <CopyId value={version.archive_digest} whole /> },
            {
              label: say("apps.trees"),
              value: (
                <div className="stack tight">
                  {version.bodies.map((body) => (
                    <div className="row" key={body.profile}>
                      <code>{body.profile}</code>
                      <Tag tone={body.countersigned ? "good" : "neutral"}>
                        {say(body.countersigned ? "apps.countersigned" : "apps.notCountersigned")}
                      </Tag>
                      <Tag tone={body.exposed ? "good" : "neutral"}>
                        {say(body.exposed ? "apps.exposed" : "apps.notExposed")}
                      </Tag>
                    </div>
                  ))}
                </div>
              ),
            },
          ]}
        />
      </div>
    </Panel>
  );
}
