/** Hotfixes that wait for a reviewer. */

import { useQueries } from "@tanstack/react-query";
import { Link } from "react-router";
import { query } from "../../api/client";
import { Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { StateTag, Time } from "../../design/Small";
import { useText } from "../../i18n";
import { AppName } from "../apps/names";
import { hotfixPath, type WaitingHotfix as Row } from "./words";

/** Returns what publishers say that each mends, by its place; what waits is few. */
export function useTitles(rows: readonly Row[]): { titles: ReadonlyMap<string, string>; isLoading: boolean } {
  const found = useQueries({
    queries: rows.map(({ app, sequence, n }) =>
      query.queryOptions("get", "/apps/{app}/versions/{sequence}/hotfixes/{n}", {
        params: { path: { app, sequence, n } },
      }),
    ),
  });
  const known = found.flatMap(({ data }) => (data ? [[hotfixPath(data), data.title] as const] : []));
  return { titles: new Map(known), isLoading: found.some((each) => each.isLoading) };
}

type Props = { rows: readonly Row[]; titles: ReadonlyMap<string, string> };

export function WaitingHotfixes({ rows, titles }: Props) {
  const { say } = useText();
  const columns: Column<Row>[] = [
    { key: "app", title: say("common.app"), render: (row) => <AppName app={row.app} /> },
    {
      key: "hotfix",
      title: say("hotfixes.hotfix"),
      render: (row) => (
        <>
          <Link className="strong" to={hotfixPath(row)}>
            {say("hotfixes.one", { n: row.n })}
          </Link>
          <div className="sub wrap">{titles.get(hotfixPath(row)) || say("hotfixes.untitled")}</div>
        </>
      ),
    },
    {
      key: "version",
      title: say("common.version"),
      render: (row) => <span className="num">#{row.sequence}</span>,
      nowrap: true,
    },
    { key: "state", title: say("common.state"), render: () => <StateTag state="in_review" />, nowrap: true },
    { key: "at", title: say("apps.waitingSince"), render: (row) => <Time ms={row.since} />, nowrap: true },
  ];
  return (
    <Panel title={say("hotfixes.title")} flush>
      <PageTable label={say("hotfixes.title")} columns={columns} rows={rows} rowKey={hotfixPath} href={hotfixPath} />
    </Panel>
  );
}
