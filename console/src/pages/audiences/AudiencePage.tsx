/** One saved audience: its rule in words and as code, how many it reaches, what it was, and what uses it. */

import { DownloadOutlined, EditOutlined } from "@ant-design/icons";
import { Button, Tabs } from "antd";
import { useNavigate, useParams } from "react-router";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Note, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { Editions } from "../../design/Editions";
import { PageFrame } from "../../design/PageFrame";
import { useCursor } from "../../design/pages";
import { CopyId, CopyText, Person, Time } from "../../design/Small";
import { Fetch, Loading } from "../../design/States";
import { saveFile } from "../../design/saveFile";
import { useText } from "../../i18n";
import { Estimate } from "../../rules/Estimate";
import { useRuleWords } from "../../rules/ruleWords";
import type { Saved } from "./Audiences";
import { PendingChange, useWaiting } from "./PendingChange";
import { type Use, UseNames, Uses, useUses } from "./Uses";

export default function AudiencePage() {
  const { say } = useText();
  const { may } = useSession();
  const navigate = useNavigate();
  const { audience: id = "" } = useParams();
  const params = { path: { audience_id: id } };
  const found = query.useQuery("get", "/audiences/{audience_id}", { params });
  const rule = found.data?.audience;
  const checked = query.useQuery(
    "post",
    "/audience/check",
    { body: { audience: rule ?? {}, salt: id } },
    { enabled: rule !== undefined, retry: false },
  );
  const { page, pagesOf } = useCursor(id, 10);
  const history = query.useQuery("get", "/audiences/{audience_id}/history", { params: { ...params, query: page } });
  const uses = useUses("audience", id);
  const waiting = useWaiting("audience.change", id);
  const isWhole = !history.isPending && !uses.isPending && !checked.isPending && waiting !== undefined;
  return (
    <PageFrame
      title={found.data?.name ?? say("audiences.title")}
      lead={found.data?.note}
      crumbs={[{ title: say("audiences.title"), to: "/audiences" }]}
      actions={
        found.data && may("audience:edit") ? (
          <>
            <Remove saved={found.data} uses={uses.found.data?.items ?? []} />
            <Button type="primary" icon={<EditOutlined />} onClick={() => navigate(`/audiences/${id}/edit`)}>
              {say("audiences.edit")}
            </Button>
          </>
        ) : null
      }
    >
      <Fetch of={found}>
        {(saved) =>
          isWhole ? (
            <>
              <PendingChange kind="audience.change" target={id} />
              <div className="columns">
                <div className="stack">
                  <RulePanel saved={saved} flagd={checked.data?.flagd} claimed={checked.data?.claimed ?? []} />
                  <Panel title={say("audiences.history")} flush>
                    <Fetch of={history} lines={3}>
                      {(editions) => (
                        <Editions
                          pages={pagesOf(editions)}
                          lines={editions.items.map((one) => ({
                            edition: one.edition,
                            tone: one.edition === saved.edition ? "good" : "neutral",
                            by: one.made_by,
                            at: one.at_ms,
                            diff: one.edition === 1 ? [] : one.diff,
                          }))}
                        />
                      )}
                    </Fetch>
                  </Panel>
                </div>
                <div className="stack">
                  <Estimate rule={saved.audience} />
                  <Panel title={say("audiences.uses")} flush>
                    <Uses of={uses} none={say("audiences.usesNone")} hint={say("audiences.usesNoneHint")} />
                  </Panel>
                  <Panel title={say("common.details")}>
                    <Facts
                      one
                      items={[
                        { label: say("common.id"), value: <CopyId value={saved.id} whole /> },
                        { label: say("audiences.edition"), value: <span className="num">{saved.edition}</span> },
                        { label: say("tags.madeBy"), value: <Person id={saved.made_by} /> },
                        { label: say("common.created"), value: <Time ms={saved.created_ms} absolute /> },
                        { label: say("common.changed"), value: <Time ms={saved.changed_ms} /> },
                      ]}
                    />
                  </Panel>
                </div>
              </div>
            </>
          ) : (
            <Loading lines={8} />
          )
        }
      </Fetch>
    </PageFrame>
  );
}

function Remove({ saved, uses }: { saved: Saved; uses: readonly Use[] }) {
  const { say } = useText();
  const act = useAct();
  const navigate = useNavigate();
  const remove = query.useMutation("delete", "/audiences/{audience_id}");
  return (
    <ConfirmAction
      label={say("audiences.delete")}
      danger
      title={say("audiences.deleteTitle")}
      what={
        <>
          <p className="strong wrap">{saved.name}</p>
          <p>{say("audiences.deleteWhat")}</p>
          {uses.length > 0 ? (
            <>
              <p className="strong">{say("audiences.deleteUsed")}</p>
              <UseNames items={uses} />
            </>
          ) : null}
        </>
      }
      onConfirm={async () => {
        await remove.mutateAsync({ params: { path: { audience_id: saved.id } } });
        navigate("/audiences");
        await act(async () => {});
      }}
    />
  );
}

function RulePanel({ saved, flagd, claimed }: { saved: Saved; flagd: unknown; claimed: readonly string[] }) {
  const { say, language } = useText();
  const words = useRuleWords();
  const names = new Intl.ListFormat(language === "zh" ? "zh-CN" : "en-GB").format(claimed.map(words.attribute));
  return (
    <Panel title={say("audiences.inWords")}>
      <div className="stack">
        <p className="rule-said wrap">{words.rule(saved.audience)}</p>
        {claimed.length > 0 ? <Note>{say("audiences.claimed", { names })}</Note> : null}
        <Tabs
          items={[
            {
              key: "json",
              label: say("audiences.asJson"),
              children: <Code text={JSON.stringify(saved.audience, null, 2)} file={`${saved.id}.json`} />,
            },
            {
              key: "flagd",
              label: say("audiences.asFlagd"),
              children:
                flagd == null ? (
                  <p className="muted">{say("audiences.flagdNone")}</p>
                ) : (
                  <>
                    <p className="small muted">{say("audiences.flagdHint")}</p>
                    <Code text={JSON.stringify(flagd, null, 2)} file={`${saved.id}.flagd.json`} />
                  </>
                ),
            },
          ]}
        />
      </div>
    </Panel>
  );
}

/** Code to read, to copy and to keep. */
export function Code({ text, file }: { text: string; file: string }) {
  const { say } = useText();
  return (
    <div className="stack tight">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard */}
      <pre className="code whole" tabIndex={0}>
        {text}
      </pre>
      <div className="row">
        <CopyText text={text} />
        <Button size="small" icon={<DownloadOutlined />} onClick={() => saveFile(file, text)}>
          {say("audiences.download")}
        </Button>
      </div>
    </div>
  );
}
