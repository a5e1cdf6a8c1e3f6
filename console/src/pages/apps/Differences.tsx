/** What a version changes against the last public one: permissions first, then file by file and line by line. */

import { Button } from "antd";
import { useState } from "react";
import { query } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { Comparison, FileChange, VersionDetail } from "../../api/types";
import { Note, Panel } from "../../design/Blocks";
import { SideSheet } from "../../design/Dialog";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Tag } from "../../design/Small";
import { Fetch } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { FileDiff } from "./FileDiff";
import { asked, type PermissionChange } from "./permissions";

const TONES = { added: "good", removed: "bad", changed: "warn", same: "neutral" } as const;

export function Differences({ version }: { version: VersionDetail }) {
  const { say } = useText();
  const path = { app: version.app, sequence: version.sequence };
  const found = query.useQuery("get", "/apps/{app}/versions/{sequence}/comparison", { params: { path } });
  const against = found.data?.against;
  if (found.error && asProblem(found.error).status === 403)
    return <Note tone="neutral">{say("apps.insideHidden")}</Note>;
  return (
    <Panel
      title={say("apps.differences")}
      hint={against ? say("apps.compared", { version: against.version, n: against.sequence }) : null}
      flush
    >
      <Fetch of={found} lines={4}>
        {(comparison) => (
          <>
            <Summary comparison={comparison} />
            <Files version={version} isFirst={comparison.against === null} />
          </>
        )}
      </Fetch>
    </Panel>
  );
}

function Summary({ comparison }: { comparison: Comparison }) {
  const { say } = useText();
  const isFirst = comparison.against === null;
  const permissions = asked(comparison.permissions);
  const grows = !isFirst && permissions.some((item) => item.kind === "added");
  return (
    <div className="panel-body stack tight" style={{ borderBottom: "1px solid var(--line)" }}>
      {isFirst ? <Note tone="neutral">{say("apps.firstVersion")}</Note> : null}
      {grows ? <Note tone="warn">{say("apps.permissionsMore")}</Note> : null}
      <div className="muted small">{say("apps.permissionsNow")}</div>
      {permissions.length === 0 ? <div>{say("apps.permissionsNone")}</div> : null}
      <div className="row">
        {permissions.map((item) => (
          <PermissionTag key={item.area + item.name} item={item} isFirst={isFirst} />
        ))}
      </div>
      {comparison.old_size_bytes === null ? null : (
        <div className="small muted">
          {say("apps.sizeWas", { size: bytes(comparison.size_bytes), old: bytes(comparison.old_size_bytes) })}
        </div>
      )}
    </div>
  );
}

function PermissionTag({ item, isFirst }: { item: PermissionChange; isFirst: boolean }) {
  const { say, sayOr } = useText();
  const isQuiet = item.kind === "same" || isFirst;
  return (
    <Tag tone={isQuiet ? "neutral" : item.kind === "added" ? "warn" : "good"}>
      <span className="wrap">
        {sayOr(`apps.${item.area}`, item.area)}: {item.name}
        {isQuiet ? "" : ` · ${say(`apps.${item.kind}`)}`}
      </span>
    </Tag>
  );
}

function Files({ version, isFirst }: { version: VersionDetail; isFirst: boolean }) {
  const { say, sayOr } = useText();
  const [shown, setShown] = useState<string | null>(null);
  const { page, tableOf } = useCursor(version.digest, 25);
  const path = { app: version.app, sequence: version.sequence };
  const found = query.useQuery("get", "/apps/{app}/versions/{sequence}/files", {
    params: {
      path,
      query: {
        ...page,
        change: isFirst ? ["added"] : ["added", "removed", "changed"],
      },
    },
  });
  const columns: Column<FileChange>[] = [
    { key: "path", title: say("apps.file"), render: (row) => <code>{row.path}</code> },
    {
      key: "kind",
      title: say("apps.changeKind"),
      render: (row) => <Tag tone={TONES[row.change]}>{sayOr(`apps.${row.change}`, row.change)}</Tag>,
      nowrap: true,
    },
    { key: "before", title: say("apps.before"), right: true, nowrap: true, render: (row) => sizeOf(row.old_size) },
    { key: "after", title: say("apps.after"), right: true, nowrap: true, render: (row) => sizeOf(row.size) },
    {
      key: "do",
      title: "",
      render: (row) => (
        <Button size="small" type="link" onClick={() => setShown(row.path)}>
          {say("apps.openDiff")}
        </Button>
      ),
    },
  ];
  return (
    <>
      <PageTable label={say("apps.differences")} columns={columns} {...tableOf(found)} rowKey={(row) => row.path} />
      <SideSheet isOpen={shown !== null} onClose={() => setShown(null)} title={shown} size={860}>
        {shown === null ? null : <FileDiff version={version} path={shown} />}
      </SideSheet>
    </>
  );
}

function sizeOf(count: number | null) {
  return count === null ? <span className="faint">—</span> : bytes(count);
}
