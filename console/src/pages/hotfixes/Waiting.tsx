/** Hotfixes that wait for a reviewer. */

import { Link } from "react-router";
import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { StateTag, Time } from "../../design/Small";
import { useText } from "../../i18n";
import { AppName } from "../apps/names";
import { type Hotfix, hotfixAt, hotfixPath } from "./words";

type Matter = components["schemas"]["MatterView"];
type Row = Pick<Hotfix, "app" | "sequence" | "n"> & { since: number };

/** Returns the hotfixes among what waits. */
export function waitingHotfixes(matters: readonly Matter[]): Row[] {
  return matters.flatMap(({ kind, link, since_ms }) => {
    const found = kind === "hotfix_waiting" ? hotfixAt(link) : null;
    return found ? [{ ...found, since: since_ms }] : [];
  });
}

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
