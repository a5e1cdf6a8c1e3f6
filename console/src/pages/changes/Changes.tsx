/** Change requests: what waits for a second person, and what was decided. */

import { Link } from "react-router";
import { query } from "../../api/client";
import type { Change } from "../../api/types";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, Person, StateTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { kindKey, useText } from "../../i18n";
import { useNamed } from "../apps/names";

const STATES = ["proposed", "applied", "rejected", "withdrawn", "stale", "expired"] as const;

export default function Changes() {
  const { say, sayOr } = useText();
  const named = useNamed();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const kinds = query.useQuery("get", "/changes/kinds", {}, { staleTime: 600_000 });
  const found = query.useQuery("get", "/changes", {
    params: {
      query: {
        ...page,
        ...(values.state ? { state: values.state as (typeof STATES)[number] } : {}),
        ...(values.kind ? { kind: values.kind } : {}),
        ...(values.target ? { target: values.target } : {}),
      },
    },
  });
  const kindName = (kind: string) => sayOr(kindKey(kind), kind);
  const columns: Column<Change>[] = [
    {
      key: "kind",
      title: say("changes.what"),
      render: (row) => (
        <>
          <Link className="strong" to={`/changes/${row.id}`}>
            {kindName(row.kind)}
          </Link>
          <div className="sub wrap">{named(row.target_name || row.note)}</div>
        </>
      ),
    },
    { key: "target", title: say("changes.target"), render: (row) => <CopyId value={row.target} /> },
    {
      key: "maker",
      title: say("changes.maker"),
      render: (row) => <Person id={row.maker.operator} name={row.maker.name} />,
    },
    { key: "state", title: say("common.state"), render: (row) => <StateTag state={row.state} />, nowrap: true },
    { key: "at", title: say("common.created"), render: (row) => <Time ms={row.created_ms} />, nowrap: true },
  ];
  return (
    <PageFrame title={say("changes.title")} lead={say("changes.lead")}>
      <Panel flush>
        <FilterBar
          filters={[
            {
              key: "state",
              kind: "choice",
              label: say("common.state"),
              choices: STATES.map((value) => ({ value, label: sayOr(`states.${value}`, value) })),
            },
            {
              key: "kind",
              kind: "choice",
              label: say("changes.kind"),
              choices: kinds.data?.items.map((item) => ({ value: item.name, label: kindName(item.name) })) ?? [],
            },
            { key: "target", kind: "text", label: say("changes.target") },
          ]}
        />
        <PageTable
          label={say("changes.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.id}
          href={(row) => `/changes/${row.id}`}
          isUpdating={found.isPlaceholderData}
          isFiltered={isFiltered}
          empty={<Empty title={say("changes.emptyTitle")} hint={say("changes.lead")} />}
        />
      </Panel>
    </PageFrame>
  );
}
