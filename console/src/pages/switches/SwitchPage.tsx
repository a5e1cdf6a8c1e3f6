/** One switch: who gets what, what it would give to somebody, what waits, what it was, and its definition as a file. */

import { EditOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useNavigate, useParams } from "react-router";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Note, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { Editions } from "../../design/Editions";
import { PageFrame } from "../../design/PageFrame";
import { useCursor } from "../../design/pages";
import { CopyId, Person, Time } from "../../design/Small";
import { Fetch, Loading } from "../../design/States";
import { useText } from "../../i18n";
import { Audience } from "../../rules/Audience";
import { Code } from "../audiences/AudiencePage";
import { PendingChange, useWaiting } from "../audiences/PendingChange";
import { type Definition, definitionOf, type Switch } from "./definition";
import { Split, SwitchState, toneOfSwitch, Variant } from "./names";
import { Proposals } from "./Proposals";
import { TrySwitch } from "./TrySwitch";

const CHANGE = "switch.change";

export default function SwitchPage() {
  const { say } = useText();
  const { may } = useSession();
  const { key = "" } = useParams();
  const params = { path: { switch: key } };
  const found = query.useQuery("get", "/switches/{switch}", { params });
  const { page, pagesOf } = useCursor(key, 10);
  const history = query.useQuery("get", "/switches/{switch}/history", { params: { ...params, query: page } });
  const waiting = useWaiting(CHANGE, key);
  const definition = found.data ? definitionOf(found.data) : null;
  return (
    <PageFrame
      title={definition?.title || key}
      crumbs={[{ title: say("switches.title"), to: "/switches" }]}
      tags={found.data ? <SwitchState state={found.data.state} /> : null}
      lead={definition?.title ? <span className="mono">{key}</span> : null}
      actions={found.data ? <SwitchActions of={found.data} isWaiting={(waiting?.length ?? 0) > 0} /> : null}
    >
      <Fetch of={found}>
        {(one) =>
          history.isPending || waiting === undefined ? (
            <Loading lines={8} />
          ) : (
            <>
              <PendingChange kind={CHANGE} target={key} />
              <div className="columns">
                <div className="stack">
                  <Lanes of={one} />
                  {may("audience:explain") ? <TrySwitch switchKey={key} /> : null}
                  <details className="panel">
                    <summary>{say("switches.json")}</summary>
                    <div className="panel-body">
                      <Code text={JSON.stringify(definitionOf(one), null, 2)} file={`${key}.json`} />
                    </div>
                  </details>
                </div>
                <div className="stack">
                  <Panel title={say("common.details")}>
                    <SwitchFacts of={one} />
                  </Panel>
                  {one.last_edition > one.edition ? <Proposals switchKey={key} /> : null}
                  <Panel title={say("switches.history")} flush>
                    <Fetch of={history} lines={3}>
                      {(editions) => (
                        <Editions
                          pages={pagesOf(editions)}
                          lines={editions.items.map((each) => ({
                            edition: each.edition,
                            tone: toneOfSwitch(each.state),
                            tags: <SwitchState state={each.state} />,
                            by: each.made_by,
                            at: each.at_ms,
                            cause: each.cause,
                            diff: each.edition === 1 ? [] : each.diff,
                          }))}
                        />
                      )}
                    </Fetch>
                  </Panel>
                </div>
              </div>
            </>
          )
        }
      </Fetch>
    </PageFrame>
  );
}

/** Who gets what, as the rules are tried: from above, the first that matches. */
function Lanes({ of: one }: { of: Switch }) {
  const { say } = useText();
  const definition = definitionOf(one);
  const { rules } = definition;
  const told = { draft: say("switches.whoGetsDraft"), archived: say("switches.whoGetsArchived") };
  const hint =
    one.state in told ? told[one.state as keyof typeof told] : rules.length > 1 ? say("switches.rulesHint") : "";
  return (
    <Panel title={say("switches.whoGets")} hint={hint} flush>
      <ol className="lanes">
        {rules.map((rule, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rules have no other name than their number
          <li key={n}>
            <span className="lane-number num" aria-hidden="true">
              {n + 1}
            </span>
            <div className="wrap">
              <Audience rule={rule.audience} />
            </div>
            <div>
              {rule.split ? (
                <Split split={rule.split} of={definition} />
              ) : (
                <Variant name={rule.variant ?? ""} of={definition} />
              )}
            </div>
          </li>
        ))}
        <li className="rest">
          <span />
          <div>{say(rules.length === 0 ? "switches.everyone" : "switches.restOf")}</div>
          <div>
            <Variant name={definition.default} of={definition} isDefault />
          </div>
        </li>
      </ol>
    </Panel>
  );
}

function SwitchFacts({ of: one }: { of: Switch }) {
  const { say } = useText();
  const definition = definitionOf(one);
  return (
    <Facts
      one
      items={[
        { label: say("switches.key"), value: <CopyId value={one.key} whole /> },
        { label: say("switches.type"), value: say(`switches.type_${definition.type}`) },
        { label: say("switches.variants"), value: <Variants of={definition} /> },
        { label: say("switches.by"), value: say(`switches.by_${definition.by}`) },
        { label: say("tags.madeBy"), value: <Person id={one.made_by} /> },
        { label: say("common.created"), value: <Time ms={one.created_ms} absolute /> },
        { label: say("switches.changed"), value: <Time ms={one.changed_ms} /> },
      ]}
    />
  );
}

function Variants({ of: { variants, default: own } }: { of: Definition }) {
  const { say } = useText();
  return (
    <dl className="variants-table">
      {Object.entries(variants).map(([name, value]) => (
        <div key={name}>
          <dt>
            {name}
            {name === own ? <div className="small muted">{say("switches.default")}</div> : null}
          </dt>
          <dd>
            <pre>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</pre>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function SwitchActions({ of: one, isWaiting }: { of: Switch; isWaiting: boolean }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const navigate = useNavigate();
  const activate = query.useMutation("post", "/switches/{switch}/activate");
  const off = query.useMutation("post", "/switches/{switch}/off");
  const archive = query.useMutation("post", "/switches/{switch}/archive");
  const params = { path: { switch: one.key } };
  const { rules, default: name } = definitionOf(one);
  const reason = { reason: "required", reasonField: "cause" } as const;
  return (
    <>
      {one.state === "active" && (rules.length > 0 || one.last_edition > one.edition) && may("switch:lower") ? (
        <ConfirmAction
          label={say("switches.off")}
          danger
          type="primary"
          title={say("switches.offTitle")}
          what={<p>{say("switches.offWhat", { n: rules.length, name })}</p>}
          done={say("switches.offDone")}
          {...reason}
          onConfirm={(cause) => act(() => off.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {one.state !== "archived" && may("switch:lower") ? (
        <ConfirmAction
          label={say("switches.archive")}
          danger
          title={say("switches.archiveTitle")}
          what={<p>{say("switches.archiveWhat")}</p>}
          done={say("switches.archiveDone")}
          {...reason}
          onConfirm={(cause) => act(() => archive.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
      {one.state !== "archived" && may("switch:edit") ? (
        <Button icon={<EditOutlined />} onClick={() => navigate(`/switches/${one.key}/edit`)}>
          {say("switches.edit")}
        </Button>
      ) : null}
      {one.state !== "active" && may("switch:edit") && !isWaiting ? (
        <ConfirmAction
          label={say("switches.activate")}
          type="primary"
          title={say("switches.activateTitle")}
          what={<Note>{say("switches.activateWhat")}</Note>}
          done={say("switches.proposed")}
          reason="optional"
          reasonField="cause"
          onConfirm={(cause) => act(() => activate.mutateAsync({ params, body: { cause } }))}
        />
      ) : null}
    </>
  );
}
