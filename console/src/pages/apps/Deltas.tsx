/** From which version to which there is a delta, and what it saves a device. */

import { query } from "../../api/client";
import { Note, Panel } from "../../design/Blocks";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Tag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";

type Delta = {
  base_sequence: number;
  target_sequence: number;
  is_served: boolean;
  delta_bytes: number;
  files_bytes: number;
  whole_bytes: number;
  made_ms: number;
};

export function Deltas({ app }: { app: string }) {
  const { say } = useText();
  const { page, tableOf } = useCursor(app);
  const found = query.useQuery("get", "/apps/{app}/deltas", { params: { path: { app }, query: { ...page } } });
  const columns: Column<Delta>[] = [
    {
      key: "pair",
      title: say("apps.deltaPair"),
      nowrap: true,
      render: (row) => (
        <span className="num strong">
          #{row.base_sequence} → #{row.target_sequence}
        </span>
      ),
    },
    {
      key: "size",
      title: say("apps.deltaSize"),
      right: true,
      nowrap: true,
      render: (row) => <span className="num">{bytes(row.delta_bytes)}</span>,
    },
    {
      key: "other",
      title: say("apps.deltaOther"),
      right: true,
      nowrap: true,
      render: (row) => <span className="num">{bytes(Math.min(row.files_bytes, row.whole_bytes))}</span>,
    },
    {
      key: "state",
      title: say("common.state"),
      render: (row) =>
        row.is_served ? (
          <Tag tone="good">{say("apps.deltaSaves", { percent: saved(row) })}</Tag>
        ) : (
          <Tag tone="neutral">{say("apps.deltaTooLittle")}</Tag>
        ),
    },
    { key: "at", title: say("apps.deltaMade"), nowrap: true, render: (row) => <Time ms={row.made_ms} /> },
  ];
  return (
    <div className="stack">
      <Note tone="neutral">{say("apps.deltaLead")}</Note>
      <Panel flush>
        <PageTable
          label={say("apps.deltas")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => `${row.base_sequence}-${row.target_sequence}`}
          empty={<Empty title={say("apps.deltasEmpty")} hint={say("apps.deltasEmptyHint")} />}
        />
      </Panel>
    </div>
  );
}

function saved({ delta_bytes, files_bytes, whole_bytes }: Delta): string {
  return (100 - (100 * delta_bytes) / Math.max(1, Math.min(files_bytes, whole_bytes))).toFixed(0);
}
