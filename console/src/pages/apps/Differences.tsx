/** What a version changes against the one before it: permissions first, then file by file. */

import { query } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { VersionDetail } from "../../api/types";
import { Note, Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { Tag } from "../../design/Small";
import { ErrorState, Loading } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { type Comparison, compare, type FileChange, readIndex } from "./package";

const SHOWN = new Set(["published", "archived", "killed"]);

export function Differences({ version }: { version: VersionDetail }) {
  const { say } = useText();
  const { app, sequence } = version;
  const list = query.useQuery("get", "/apps/{app}/versions", {
    params: { path: { app }, query: { state: ["published", "archived", "killed"], limit: 50 } },
  });
  const earlier = list.data?.items.find((item) => SHOWN.has(item.state) && item.sequence < sequence);
  const now = query.useQuery("get", "/apps/{app}/versions/{sequence}/index", { params: { path: { app, sequence } } });
  const before = query.useQuery(
    "get",
    "/apps/{app}/versions/{sequence}/index",
    { params: { path: { app, sequence: earlier?.sequence ?? 0 } } },
    { enabled: earlier !== undefined },
  );
  const error = now.error ?? list.error ?? before.error;
  const isReady = now.data && list.data && (earlier === undefined || before.data);
  const found = isReady ? compare(earlier ? readIndex(before.data) : null, readIndex(now.data)) : null;
  return (
    <Panel
      title={say("apps.differences")}
      hint={earlier ? say("apps.compared", { version: earlier.version, n: earlier.sequence }) : null}
      flush
    >
      {error ? (
        <ErrorState error={asProblem(error)} onRetry={() => now.refetch()} />
      ) : found ? (
        <Compared found={found} isFirst={earlier === undefined} />
      ) : (
        <Loading lines={4} />
      )}
    </Panel>
  );
}

function Compared({ found, isFirst }: { found: Comparison; isFirst: boolean }) {
  const { say, sayOr } = useText();
  const { rows, pages } = useLocalPages(found.files, found.files.length, 25);
  const added = found.permissions.filter((item) => item.kind === "added");
  const columns: Column<FileChange>[] = [
    { key: "path", title: say("apps.file"), render: (row) => <code>{row.path}</code> },
    {
      key: "kind",
      title: say("common.changed"),
      render: (row) => <Tag tone={TONES[row.kind]}>{say(`apps.${row.kind}`)}</Tag>,
      nowrap: true,
    },
    {
      key: "before",
      title: say("apps.before"),
      right: true,
      nowrap: true,
      render: (row) => (row.before === undefined ? <span className="faint">—</span> : bytes(row.before)),
    },
    {
      key: "after",
      title: say("apps.after"),
      right: true,
      nowrap: true,
      render: (row) => (row.after === undefined ? <span className="faint">—</span> : bytes(row.after)),
    },
  ];
  return (
    <>
      <div className="panel-body stack tight" style={{ borderBottom: "1px solid var(--line)" }}>
        {isFirst ? <Note tone="neutral">{say("apps.firstVersion")}</Note> : null}
        {!isFirst && added.length > 0 ? <Note tone="warn">{say("apps.permissionsMore")}</Note> : null}
        <div className="muted small">{say("apps.permissionsNow")}</div>
        {found.permissions.length === 0 ? (
          <div>{say("apps.permissionsNone")}</div>
        ) : (
          <div className="row">
            {found.permissions.map((item) => (
              <Tag key={item.area + item.name} tone={item.kind === "same" || isFirst ? "neutral" : TONES[item.kind]}>
                <span className="wrap">
                  {sayOr(`apps.${item.area}`, item.area)}: {item.name}
                  {item.kind === "same" || isFirst ? "" : ` (${say(`apps.${item.kind}`)})`}
                </span>
              </Tag>
            ))}
          </div>
        )}
      </div>
      {found.files.length > 0 ? (
        <PageTable
          label={say("apps.differences")}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.path}
          pages={pages}
        />
      ) : null}
      {found.sameFiles > 0 ? (
        <div className="panel-body muted small">{say("apps.same", { n: found.sameFiles })}</div>
      ) : null}
    </>
  );
}

const TONES = { added: "good", removed: "bad", changed: "warn" } as const;
