/** What a hotfix changes, file by file: lines, and of JSON the operations that lead there. */

import { Button, Segmented } from "antd";
import { useState } from "react";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Note, Panel } from "../../design/Blocks";
import { SideSheet } from "../../design/Dialog";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { CopyId, Tag } from "../../design/Small";
import { Fetch } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { TextDiff } from "../apps/TextDiff";
import { operationsOf } from "./operations";
import type { HotfixDetail } from "./words";

type Change = components["schemas"]["ChangeOut"];
type Diff = components["schemas"]["HotfixDiffOut"];
type Shown = "operations" | "lines";

const TONES = { added: "good", removed: "bad", changed: "warn" } as const;

/** The list; `isOpened` says that the files stand open elsewhere, or that the reader may not look inside. */
export function HotfixChanges({ of: hotfix, isOpened }: { of: HotfixDetail; isOpened: boolean }) {
  const { say } = useText();
  const [shown, setShown] = useState<string | null>(null);
  const { rows, pages } = useLocalPages(hotfix.changes, hotfix.n, 25);
  const size = (count: number | null) => (count === null ? <span className="faint">—</span> : bytes(count));
  const columns: Column<Change>[] = [
    { key: "path", title: say("apps.file"), render: (row) => <code className="wrap">{row.path}</code> },
    {
      key: "kind",
      title: say("apps.changeKind"),
      render: (row) => <Tag tone={TONES[row.change]}>{say(`apps.${row.change}`)}</Tag>,
      nowrap: true,
    },
    { key: "before", title: say("apps.before"), right: true, nowrap: true, render: (row) => size(row.old_size) },
    { key: "after", title: say("apps.after"), right: true, nowrap: true, render: (row) => size(row.size) },
    {
      key: "digest",
      title: say("common.digest"),
      render: (row) => <CopyId value={row.digest ?? row.old_digest ?? ""} />,
      nowrap: true,
    },
  ];
  const opener: Column<Change> = {
    key: "do",
    title: say("common.actions"),
    render: (row) => (
      <Button size="small" type="link" onClick={() => setShown(row.path)}>
        {say("apps.openDiff")}
      </Button>
    ),
  };
  return (
    <Panel title={say("hotfixes.changed")} hint={say("hotfixes.filesN", { n: hotfix.changes.length })} flush>
      <PageTable
        label={say("hotfixes.changed")}
        columns={isOpened ? columns : [...columns, opener]}
        rows={rows}
        rowKey={(row) => row.path}
        pages={pages}
      />
      <SideSheet isOpen={shown !== null} onClose={() => setShown(null)} title={shown} size={860}>
        {shown === null ? null : <FileChange of={hotfix} path={shown} />}
      </SideSheet>
    </Panel>
  );
}

/** One file: the operations first where there are any, else the lines. */
export function FileChange({ of: { app, sequence, n }, path }: { of: HotfixDetail; path: string }) {
  const { say } = useText();
  const [chosen, setChosen] = useState<Shown | null>(null);
  const params = { path: { app, sequence, n }, query: { path } };
  const found = query.useQuery("get", "/apps/{app}/versions/{sequence}/hotfixes/{n}/diff", { params });
  return (
    <Fetch of={found} lines={6}>
      {(diff) => {
        const shown = diff.patch === null ? "lines" : (chosen ?? "operations");
        return (
          <div className="stack tight">
            {diff.patch === null ? null : (
              <Segmented<Shown>
                aria-label={say("apps.diffLayout")}
                value={shown}
                onChange={setChosen}
                options={[
                  { value: "operations", label: say("hotfixes.operations") },
                  { value: "lines", label: say("apps.diffLines") },
                ]}
                style={{ alignSelf: "flex-start" }}
              />
            )}
            {shown === "operations" ? <Operations of={diff} /> : <TextDiff diff={diff} />}
          </div>
        );
      }}
    </Fetch>
  );
}

function Operations({ of: { patch, taken } }: { of: Diff }) {
  const { say, sayOr } = useText();
  const operations = operationsOf(patch ?? [], taken ?? []);
  if (operations.length === 0) return <Note tone="neutral">{say("hotfixes.sameJson")}</Note>;
  return (
    <ol className="operations">
      {operations.map(({ op, path, from, old, value }) => (
        <li key={`${op} ${path} ${from}`} className={op}>
          <div className="row">
            <Tag tone={op === "remove" ? "bad" : op === "add" ? "good" : "warn"}>{sayOr(`hotfixes.op_${op}`, op)}</Tag>
            <code className="wrap">{path || "/"}</code>
          </div>
          {from ? <div className="small muted wrap">{say("hotfixes.from", { path: from })}</div> : null}
          <dl>
            {old === null ? null : <Value title={say("apps.before")} text={old} tone="removed" />}
            {value === null ? null : <Value title={say("apps.after")} text={value} tone="added" />}
          </dl>
        </li>
      ))}
    </ol>
  );
}

function Value({ title, text, tone }: { title: string; text: string; tone: "removed" | "added" }) {
  return (
    <>
      <dt className="small muted">{title}</dt>
      <dd>
        <pre className={`mono small ${tone}`}>{text}</pre>
      </dd>
    </>
  );
}
