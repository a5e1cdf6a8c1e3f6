/** Hotfixes that wait for a reviewer. */

import { Link } from "react-router";
import { Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { StateTag, Time } from "../../design/Small";
import { useText } from "../../i18n";
import { AppName } from "../apps/names";
import { hotfixPath, type WaitingHotfix as Row } from "./words";

export function WaitingHotfixes({ rows }: { rows: readonly Row[] }) {
  const { say } = useText();
  const columns: Column<Row>[] = [
    { key: "app", title: say("common.app"), render: (row) => <AppName app={row.app} /> },
    {
      key: "hotfix",
      title: say("hotfixes.hotfix"),
      render: (row) => (
        <Link className="strong" to={hotfixPath(row)}>
          {say("hotfixes.one", { n: row.n })}
        </Link>
      ),
      nowrap: true,
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
