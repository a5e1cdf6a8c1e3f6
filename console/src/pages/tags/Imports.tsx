/** The files that went into a tag: how far each is, and which of its lines were not taken. */

import { DownloadOutlined } from "@ant-design/icons";
import { Progress } from "antd";
import { query } from "../../api/client";
import { apiRoot } from "../../api/workspace";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Person, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { ImportTag, isOpen, type Tag, type TagImport, useCount } from "./states";

const LOOK_MS = 1_000;

export function Imports({ tag }: { tag: Tag }) {
  const { say } = useText();
  const count = useCount();
  const { page, tableOf } = useCursor(tag.name, 20);
  const found = query.useQuery(
    "get",
    "/tags/{tag}/imports",
    { params: { path: { tag: tag.name }, query: page } },
    { refetchInterval: ({ state }) => (state.data?.items.some(isOpen) ? LOOK_MS : false) },
  );
  const columns: Column<TagImport>[] = [
    {
      key: "file",
      title: say("tags.file"),
      render: (one) => (
        <>
          <span className="strong">{say(`tags.mode_${one.mode}`)}</span>{" "}
          <span className="sub num">{bytes(one.size_bytes)}</span>
          <div className="small muted">
            <Person id={one.made_by} /> · <Time ms={one.created_ms} />
          </div>
        </>
      ),
    },
    { key: "state", title: say("common.state"), render: (one) => <Standing of={one} /> },
    { key: "taken", title: say("tags.taken"), render: (one) => count(one.taken), right: true },
    { key: "refused", title: say("tags.refused"), render: (one) => <Refused tag={tag.name} of={one} />, right: true },
    {
      key: "change",
      title: say("tags.change"),
      render: ({ members_before: before, members_after: after }) =>
        before === null || after === null ? null : `${count(before)} → ${count(after)}`,
      right: true,
      nowrap: true,
    },
  ];
  return (
    <Panel title={say("tags.imports")} flush>
      <PageTable
        label={say("tags.imports")}
        columns={columns}
        {...tableOf(found)}
        rowKey={(one) => one.id}
        empty={<Empty title={say("tags.importsEmpty")} hint={say("tags.importsEmptyHint")} />}
      />
    </Panel>
  );
}

function Standing({ of: one }: { of: TagImport }) {
  const { say } = useText();
  const count = useCount();
  const share = one.size_bytes ? Math.round((100 * one.read_bytes) / one.size_bytes) : 0;
  return (
    <div className="stack tight">
      <div>
        <ImportTag of={one} />
      </div>
      {one.state === "running" ? (
        <>
          <Progress percent={share} size="small" aria-label={say("tags.state_running")} />
          <span className="small muted">{say("tags.reading", { n: count(one.lines) })}</span>
        </>
      ) : null}
      {one.state === "waiting" ? <span className="small muted">{say("tags.queued")}</span> : null}
      {one.state === "failed" ? <span className="small wrap">{say("tags.failed", { cause: one.cause })}</span> : null}
    </div>
  );
}

/** The number of lines that were not taken; whoever may fill the tag has them all in a file. */
function Refused({ tag, of: one }: { tag: string; of: TagImport }) {
  const { say } = useText();
  const { may } = useSession();
  const count = useCount();
  const n = count(one.refused);
  if (one.refused === 0 || one.state !== "done" || !may("tag:edit")) return n;
  return (
    <>
      {n}
      <div>
        <a
          className="small nowrap"
          href={`${apiRoot()}/tags/${encodeURIComponent(tag)}/imports/${one.id}/refused`}
          download
          aria-label={say("tags.reportLabel", { n })}
        >
          <DownloadOutlined aria-hidden="true" /> {say("tags.report")}
        </a>
      </div>
    </>
  );
}
