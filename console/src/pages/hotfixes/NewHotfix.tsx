/** What a hotfix shall change, and the commands that make and sign it: the publisher's key is on their machine alone. */

import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { AutoComplete, Button, Input, Radio } from "antd";
import { type ReactNode, useId, useRef, useState } from "react";
import { useParams } from "react-router";
import { query } from "../../api/client";
import { Note, Panel } from "../../design/Blocks";
import { Choice } from "../../design/Choice";
import { PageFrame } from "../../design/PageFrame";
import { CopyText } from "../../design/Small";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";
import { useAppNames } from "../apps/names";
import { commands, type Entered, type How, NOTHING, wrongIn } from "./making";
import { isLive, versionPath } from "./words";

const WAYS: readonly How[] = ["set", "json", "delete"];
const NEWEST = -1;
const MOST = 64;
type Row = Entered & { key: number };

export default function NewHotfix() {
  const { say } = useText();
  const { app = "", sequence: text = "0" } = useParams();
  const sequence = Number(text);
  const names = useAppNames();
  const path = { app, sequence };
  const version = query.useQuery("get", "/apps/{app}/versions/{sequence}", { params: { path } });
  const name = names(app) || version.data?.name || app;
  const called = version.data?.version ?? `#${sequence}`;
  return (
    <PageFrame
      title={say("hotfixes.newTitle")}
      crumbs={[
        { title: say("frame.apps"), to: "/apps" },
        { title: name, to: `/apps/${app}` },
        { title: called, to: versionPath(app, sequence) },
      ]}
      lead={say("hotfixes.newLead")}
    >
      <Fetch of={version}>
        {({ state }) =>
          state === "published" ? (
            <Making app={app} sequence={sequence} />
          ) : (
            <Note tone="warn">{say("hotfixes.needsVersion")}</Note>
          )
        }
      </Fetch>
    </PageFrame>
  );
}

function Making({ app, sequence }: { app: string; sequence: number }) {
  const { say } = useText();
  const [on, setOn] = useState(NEWEST);
  const [rows, setRows] = useState<readonly Row[]>([{ ...NOTHING, key: 0 }]);
  const [title, setTitle] = useState("");
  const next = useRef(1);
  const path = { app, sequence };
  const chosen = on === NEWEST ? {} : { on };
  const base = query.useQuery("get", "/apps/{app}/versions/{sequence}/hotfix-base", {
    params: { path, query: chosen },
  });
  const byItself = query.useQuery("get", "/apps/{app}/versions/{sequence}/hotfix-base", {
    params: { path, query: {} },
  });
  const others = query.useQuery("get", "/apps/{app}/versions/{sequence}/hotfixes", {
    params: { path, query: { limit: 100 } },
  });
  const files = useFiles(app, sequence);
  const wrong = wrongIn(rows, files);
  const known = files ? [...files].map((value) => ({ value })) : [];
  const change = (key: number, part: Partial<Entered>) =>
    setRows((before) => before.map((row) => (row.key === key ? { ...row, ...part } : row)));
  const living = others.data?.items.filter(isLive) ?? [];
  // With none released, what the command has by itself is the version.
  const hasNewest = byItself.data !== undefined && byItself.data.on.length > 0;
  const shown = on !== NEWEST || hasNewest ? on : 0;
  return (
    <div className="stack">
      <Panel title={say("hotfixes.stepBase")}>
        <div className="stack tight">
          <Labelled label={say("hotfixes.base")}>
            {(id) => (
              <Choice<number>
                id={id}
                style={{ maxWidth: 520, width: "100%" }}
                value={byItself.isLoading ? null : shown}
                onChange={(value) => setOn(value ?? NEWEST)}
                options={[
                  ...(hasNewest ? [{ value: NEWEST, label: say("hotfixes.baseNewest") }] : []),
                  { value: 0, label: say("hotfixes.versionItself") },
                  ...living.map((each) => ({
                    value: each.n,
                    label: `${say("hotfixes.one", { n: each.n })} ${each.title}`.trim(),
                  })),
                ]}
              />
            )}
          </Labelled>
          <Fetch of={base} lines={1}>
            {({ next: n, on: stack }) => (
              <span className="muted">
                {stack.length > 0
                  ? say("hotfixes.baseIs", { n, on: stack.map((each) => `+${each}`).join(", ") })
                  : say("hotfixes.baseAlone", { n })}
              </span>
            )}
          </Fetch>
        </div>
      </Panel>
      <Panel title={say("hotfixes.stepChanges")}>
        <ol className="fix-changes">
          {rows.map(({ key, ...entered }, n) => (
            <li key={key}>
              <fieldset className="plain" aria-label={say("hotfixes.changeNth", { n: n + 1 })}>
                <ChangeFields
                  value={entered}
                  paths={known}
                  onChange={(part) => change(key, part)}
                  remove={
                    <Button
                      type="text"
                      icon={<DeleteOutlined />}
                      disabled={rows.length === 1}
                      aria-label={say("hotfixes.removeChange", { n: n + 1 })}
                      title={say("hotfixes.removeChange", { n: n + 1 })}
                      onClick={() => setRows((before) => before.filter((row) => row.key !== key))}
                    />
                  }
                />
              </fieldset>
            </li>
          ))}
          <li>
            <Button
              icon={<PlusOutlined />}
              disabled={rows.length >= MOST}
              onClick={() => {
                const key = next.current;
                next.current += 1;
                setRows((before) => [...before, { ...NOTHING, key }]);
              }}
            >
              {say("hotfixes.addChange")}
            </Button>
          </li>
        </ol>
        <Labelled label={say("hotfixes.fixTitle")} hint={say("hotfixes.fixTitleHint")}>
          {(id) => (
            <Input
              id={id}
              maxLength={200}
              value={title}
              style={{ maxWidth: 520 }}
              onChange={({ target }) => setTitle(target.value)}
            />
          )}
        </Labelled>
      </Panel>
      <Panel title={say("hotfixes.stepCommands")}>
        {wrong ? (
          <Note tone="neutral">{say(`hotfixes.${wrong.kind}`, "path" in wrong ? { path: wrong.path } : {})}</Note>
        ) : base.data ? (
          <Commands
            rows={rows}
            files={files}
            made={commands(rows, { app, sequence, n: base.data.next, on: on === NEWEST ? null : on, title })}
          />
        ) : null}
      </Panel>
    </div>
  );
}

function ChangeFields(props: {
  value: Entered;
  paths: { value: string }[];
  onChange: (part: Partial<Entered>) => void;
  remove: ReactNode;
}) {
  const { say } = useText();
  const { value, paths, onChange, remove } = props;
  const isDelete = value.how === "delete";
  return (
    <div className="fix-change">
      <div className="row between" style={{ flexWrap: "nowrap", alignItems: "flex-start" }}>
        <Radio.Group
          aria-label={say("hotfixes.how")}
          value={value.how}
          onChange={({ target }) => onChange({ how: target.value as How })}
          options={WAYS.map((how) => ({ value: how, label: say(`hotfixes.how_${how}`) }))}
        />
        {remove}
      </div>
      <div className="fix-line">
        <Labelled label={say("hotfixes.path")}>
          {(id) => (
            <AutoComplete
              id={id}
              className="mono"
              style={{ width: "100%" }}
              value={value.path}
              options={paths}
              showSearch={{ filterOption: (typed, option) => (option?.value ?? "").includes(typed) }}
              onChange={(path: string) => onChange({ path })}
            />
          )}
        </Labelled>
        {isDelete ? null : (
          <Labelled label={say(value.how === "json" ? "hotfixes.fileOps" : "hotfixes.file")}>
            {(id) => (
              <Input
                id={id}
                className="mono"
                spellCheck={false}
                value={value.file}
                onChange={({ target }) => onChange({ file: target.value })}
              />
            )}
          </Labelled>
        )}
      </div>
    </div>
  );
}

function Commands({ rows, files, made }: { rows: readonly Row[]; files: ReadonlySet<string> | null; made: string[] }) {
  const { say } = useText();
  const [make = "", publish = ""] = made;
  return (
    <div className="stack">
      <ul className="fix-summary">
        {rows
          .filter(({ path }) => path.trim() !== "")
          .map(({ key, how, path }) => (
            <li key={key}>
              {say(`hotfixes.summary_${how === "set" && files && !files.has(path.trim()) ? "set_new" : how}`, { path })}
            </li>
          ))}
      </ul>
      <Command label={say("hotfixes.commandMake")} text={make} />
      <Command label={say("hotfixes.commandPublish")} text={publish} />
      <span className="muted">{say("hotfixes.afterwards")}</span>
    </div>
  );
}

function Command({ label, text }: { label: string; text: string }) {
  return (
    <div className="stack tight">
      <div className="row between">
        <span className="strong">{label}</span>
        <CopyText text={text} />
      </div>
      <pre className="command">{text}</pre>
    </div>
  );
}

function Labelled({ label, hint, children }: { label: string; hint?: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="labelled">
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {hint ? <span className="small muted">{hint}</span> : null}
    </div>
  );
}

/** Returns the paths of a version's files; null until they are known, or where not all of them are. */
function useFiles(app: string, sequence: number): ReadonlySet<string> | null {
  const found = query.useQuery("get", "/apps/{app}/versions/{sequence}/files", {
    params: { path: { app, sequence }, query: { limit: 200, change: ["added", "changed", "same"] } },
  });
  return found.data && found.data.next_cursor === null ? new Set(found.data.items.map((each) => each.path)) : null;
}
