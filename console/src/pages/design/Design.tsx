/** The design system, shown with its own parts. */

import { Form, Input } from "antd";
import { Problem } from "../../api/problem";
import { TIERS } from "../../api/types";
import { useLook } from "../../app/preferences";
import { useSession } from "../../app/session";
import { Note, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { contrast } from "../../design/contrast";
import { DiffView } from "../../design/DiffView";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { ProblemForm } from "../../design/ProblemForm";
import { CopyId, Person, StateTag, Tag, TierTag, Time } from "../../design/Small";
import { Empty, ErrorState, Loading } from "../../design/States";
import { PALETTE, SPACE, TONES, type Tone } from "../../design/tokens";
import { useText } from "../../i18n";
import { states } from "../../i18n/texts/states";

const DIGEST = `sha256:${"0a1b2c3d4e5f6789".repeat(4)}`;

export default function Design() {
  const { say } = useText();
  const { me } = useSession();
  const columns: Column<string>[] = [
    { key: "name", title: say("common.name"), render: (row) => <span className="strong">{row}</span> },
    { key: "tier", title: say("common.tier"), render: (row) => <TierTag tier={row} /> },
    { key: "state", title: say("common.state"), render: () => <StateTag state="running" /> },
  ];
  return (
    <PageFrame title={say("designPage.title")} lead={say("designPage.lead")}>
      <Panel title={say("designPage.principles")}>
        <ol className="stack tight" style={{ paddingLeft: 20 }}>
          {(["p1", "p2", "p3", "p4"] as const).map((key) => (
            <li key={key}>{say(`designPage.${key}`)}</li>
          ))}
        </ol>
      </Panel>
      <Colours />
      <div className="columns even">
        <Panel title={say("designPage.states")}>
          <div className="stack">
            <div className="row">
              {TIERS.map((tier) => (
                <TierTag key={tier} tier={tier} />
              ))}
            </div>
            <div className="row">
              {Object.keys(states).map((state) => (
                <StateTag key={state} state={state} />
              ))}
            </div>
          </div>
        </Panel>
        <Panel title={say("designPage.notes")}>
          <div className="stack tight">
            {(["info", "good", "warn", "bad", "neutral"] as const).map((tone) => (
              <Note key={tone} tone={tone}>
                {say("designPage.sampleNote")}
              </Note>
            ))}
          </div>
        </Panel>
        <Panel title={say("designPage.small")}>
          <div className="stack tight" style={{ alignItems: "flex-start" }}>
            <Time ms={Date.now() - 7_500_000} />
            <Time ms={Date.now()} absolute />
            <CopyId value={DIGEST} />
            <Person id={me.operator} />
            <Person id="publisher job" />
          </div>
        </Panel>
        <Panel title={say("designPage.space")}>
          <div className="stack tight">
            {Object.entries(SPACE).map(([name, px]) => (
              <div className="row" key={name}>
                <code style={{ width: 40 }}>{name}</code>
                <span style={{ width: px, height: 14, background: "var(--brand)", borderRadius: 2 }} />
                <span className="num muted">{px} px</span>
              </div>
            ))}
          </div>
        </Panel>
      </div>
      <Panel title={say("designPage.table")} flush>
        <PageTable label={say("designPage.table")} columns={columns} rows={[...TIERS]} rowKey={(row) => row} />
      </Panel>
      <Panel title={say("designPage.diff")} flush>
        <DiffView
          lines={[
            {
              zh: "可见等级",
              en: "Seen from",
              before: "full",
              after: "registered",
              before_words: null,
              after_words: null,
            },
            { zh: "名称", en: "Name", before: null, after: "Wealth", before_words: null, after_words: null },
          ]}
        />
      </Panel>
      <div className="columns even">
        <Panel title={say("designPage.forms")}>
          <ProblemForm<{ app: string }>
            submit={say("common.save")}
            initial={{ app: "Not An Id" }}
            byCode={{ bad_app_id: ["app"] }}
            onSubmit={async () => {
              throw new Problem(422, "bad_app_id", "The id is no reverse-DNS name.", "4f1c0ffee");
            }}
          >
            <Form.Item name="app" label={say("apps.appId")} rules={[{ required: true }]}>
              <Input />
            </Form.Item>
          </ProblemForm>
          <div style={{ marginTop: 16 }}>
            <ConfirmAction
              label={say("designPage.sampleAction")}
              danger
              title={say("releases.stopTitle")}
              what={say("releases.stopWhat")}
              reason="required"
              onConfirm={async () => {}}
            />
          </div>
        </Panel>
        <Panel title={say("designPage.blanks")} flush>
          <Empty hint={say("overview.nothingHint")} />
          <div className="shown">
            <Loading lines={3} />
          </div>
          <ErrorState error={new Problem(409, "version_state", say("designPage.sampleError"), "4f1c0ffee")} />
        </Panel>
      </div>
    </PageFrame>
  );
}

function Colours() {
  const { say } = useText();
  const { mode } = useLook();
  const p = PALETTE[mode];
  return (
    <Panel title={say("designPage.colours")}>
      <div className="stack">
        <div className="facts">
          {Object.entries(p).map(([name, value]) => (
            <div className="row" key={name} style={{ flexWrap: "nowrap" }}>
              <span
                style={{
                  width: 34,
                  height: 34,
                  borderRadius: 8,
                  background: value,
                  border: "1px solid var(--lineStrong)",
                }}
              />
              <span>
                {name} <code className="muted">{value}</code>
                <div className="small muted">
                  {say("designPage.contrast", { n: contrast(value, p.surface).toFixed(1) })}
                </div>
              </span>
            </div>
          ))}
        </div>
        <div className="facts">
          {(Object.keys(TONES[mode]) as Tone[]).map((tone) => (
            <div key={tone} className="row">
              <Tag tone={tone}>{tone}</Tag>
              <span className="small muted">
                {say("designPage.contrast", {
                  n: contrast(TONES[mode][tone].text, TONES[mode][tone].ground).toFixed(1),
                })}
              </span>
            </div>
          ))}
        </div>
      </div>
    </Panel>
  );
}
