/** The hotfixes of a version, the newest first: how they stand, what they are built on, and who has them. */

import { ToolOutlined } from "@ant-design/icons";
import { useQueries } from "@tanstack/react-query";
import { Button } from "antd";
import { Link, useNavigate } from "react-router";
import { query } from "../../api/client";
import type { Version, VersionDetail } from "../../api/types";
import { Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { StateTag } from "../../design/Small";
import { Empty } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { useMayOf } from "../apps/useMayOf";
import { type Hotfix, hotfixPath, isLive, versionPath } from "./words";

const MOST = 25;

/** Returns the newest hotfixes of a version, or another page of them. */
export function useHotfixes(app: string, sequence: number, page: { limit: number; cursor?: string } = { limit: MOST }) {
  const params = { path: { app, sequence }, query: page };
  return query.useQuery("get", "/apps/{app}/versions/{sequence}/hotfixes", { params });
}

/** Each version is asked for by itself; of more the older ones go without. */
const COUNTED = 20;

/** Returns how many hotfixes are live of each of the versions that may have any, by sequence. */
export function useLiveHotfixes(versions: readonly Version[]) {
  const found = useQueries({
    queries: versions
      .filter(({ kind, state }) => kind === "miniapp" && state === "published")
      .slice(0, COUNTED)
      .map(({ app, sequence }) =>
        query.queryOptions("get", "/apps/{app}/versions/{sequence}/hotfixes", {
          params: { path: { app, sequence }, query: { limit: 100 } },
        }),
      ),
  });
  const living = found.flatMap(({ data }) => data?.items.filter(isLive) ?? []);
  const counts = new Map<number, number>();
  for (const { sequence } of living) counts.set(sequence, (counts.get(sequence) ?? 0) + 1);
  return { counts, isLoading: found.some((each) => each.isLoading) };
}

export function Hotfixes({ version }: { version: VersionDetail }) {
  const { say } = useText();
  const may = useMayOf(version.app);
  const navigate = useNavigate();
  const { app, sequence, kind, state } = version;
  const { page, tableOf } = useCursor(`${app}@${sequence}`, MOST);
  const takes = kind === "miniapp" && state === "published";
  const found = useHotfixes(app, sequence, page);
  // A version that never was public has none, and nobody looks for them there.
  if (!takes && !found.data?.items.length) return null;
  const columns: Column<Hotfix>[] = [
    {
      key: "n",
      title: say("hotfixes.hotfix"),
      // Titles and paths take the room that they are given.
      width: "30%",
      render: (row) => (
        <>
          <Link className="strong" to={hotfixPath(row)}>
            <span className="num">+{row.n}</span> {row.title || say("hotfixes.untitled")}
          </Link>
          <Files of={row} />
        </>
      ),
    },
    { key: "state", title: say("common.state"), render: (row) => <StateTag state={row.state} />, nowrap: true },
    {
      key: "on",
      title: say("hotfixes.on"),
      render: (row) =>
        row.on.length > 0 ? (
          <span className="num">{row.on.map((n) => `+${n}`).join(", ")}</span>
        ) : (
          <span className="faint">{say("hotfixes.onVersion")}</span>
        ),
      nowrap: true,
    },
    { key: "bytes", title: say("hotfixes.bytes"), right: true, nowrap: true, render: (row) => bytes(row.bytes) },
    { key: "given", title: say("hotfixes.given"), render: (row) => <Given of={row} /> },
    {
      key: "devices",
      title: say("hotfixes.runningOn"),
      right: true,
      render: (row) => row.devices.toLocaleString(),
    },
  ];
  return (
    <Panel
      title={say("hotfixes.title")}
      hint={found.data?.items.length ? say("hotfixes.runningOnHint") : null}
      extra={
        takes && may("version:submit") ? (
          <Button
            size="small"
            icon={<ToolOutlined />}
            onClick={() => navigate(`${versionPath(app, sequence)}/hotfixes/new`)}
          >
            {say("hotfixes.make")}
          </Button>
        ) : null
      }
      flush
    >
      <PageTable
        label={say("hotfixes.title")}
        columns={columns}
        {...tableOf(found)}
        rowKey={(row) => String(row.n)}
        href={hotfixPath}
        empty={<Empty title={say("hotfixes.empty")} hint={say("hotfixes.emptyHint")} />}
      />
    </Panel>
  );
}

const NAMED = 2;

/** The first files by name; of the rest how many. */
function Files({ of: { changes } }: { of: Hotfix }) {
  const { say } = useText();
  const rest = changes.length - NAMED;
  return (
    <div className="sub">
      {changes.slice(0, NAMED).map(({ path }) => (
        <div key={path}>
          <code className="wrap">{path}</code>
        </div>
      ))}
      {rest > 0 ? <div>{say("hotfixes.moreFiles", { n: rest })}</div> : null}
    </div>
  );
}

/** The newest release of it. */
function Given({ of: { releases } }: { of: Hotfix }) {
  const { say } = useText();
  const newest = releases[0];
  if (!newest) return <span className="faint">{say("hotfixes.notGiven")}</span>;
  return (
    <>
      <StateTag state={newest.state} />
      {newest.state === "running" && newest.stages > 1 ? (
        <div className="small muted num">{say("hotfixes.stageOf", { n: newest.stage + 1, of: newest.stages })}</div>
      ) : null}
    </>
  );
}
