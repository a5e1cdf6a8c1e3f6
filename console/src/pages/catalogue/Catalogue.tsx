/** The catalogue: entries in order, categories, and what a customer of each tier sees. */

import { Tabs } from "antd";
import { query } from "../../api/client";
import type { Entry } from "../../api/types";
import { useSession } from "../../app/session";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Tag, TierTag } from "../../design/Small";
import { Empty } from "../../design/States";
import { pick, useText } from "../../i18n";
import { AppName } from "../apps/names";
import { Categories } from "./Categories";
import { EditEntry } from "./EditEntry";
import { OrderApps } from "./OrderApps";
import { Preview } from "./Preview";

export default function Catalogue() {
  const { say } = useText();
  return (
    <PageFrame title={say("catalogue.title")} lead={say("catalogue.lead")}>
      <Tabs
        items={[
          { key: "entries", label: say("catalogue.entries"), children: <Entries /> },
          { key: "categories", label: say("catalogue.categories"), children: <Categories /> },
          { key: "preview", label: say("catalogue.preview"), children: <Preview /> },
        ]}
      />
    </PageFrame>
  );
}

function Entries() {
  const { say, language } = useText();
  const { may } = useSession();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/catalogue", {
    params: {
      query: {
        ...page,
        ...(values.q ? { search: values.q } : {}),
        ...(values.category ? { category: values.category } : {}),
        ...(values.listed ? { listed: values.listed === "yes" } : {}),
      },
    },
  });
  const categories = query.useQuery("get", "/catalogue/categories", { params: { query: { limit: 200 } } });
  const nameOf = (id: string) => {
    const one = categories.data?.items.find((item) => item.id === id);
    return one ? pick(language, { zh: one.name_zh, en: one.name_en }) : id;
  };
  const columns: Column<Entry>[] = [
    { key: "app", title: say("common.app"), render: (row) => <AppName app={row.app} link /> },
    { key: "category", title: say("catalogue.category"), render: (row) => nameOf(row.category) },
    { key: "see", title: say("catalogue.seeTier"), render: (row) => <TierTag tier={row.see_tier} />, nowrap: true },
    { key: "open", title: say("catalogue.openTier"), render: (row) => <TierTag tier={row.open_tier} />, nowrap: true },
    {
      key: "listed",
      title: say("common.state"),
      render: (row) => (
        <Tag tone={row.listed ? "good" : "neutral"}>{say(row.listed ? "catalogue.listed" : "catalogue.notListed")}</Tag>
      ),
      nowrap: true,
    },
    ...(may("catalogue:edit")
      ? [
          {
            key: "do",
            title: say("common.actions"),
            render: (row: Entry) => <EditEntry entry={row} categories={categories.data?.items ?? []} />,
          },
        ]
      : []),
  ];
  return (
    <div className="panel">
      {may("catalogue:edit") ? (
        <div className="panel-head">
          <h2>{say("catalogue.entries")}</h2>
          <div className="extra">
            <OrderApps categories={categories.data?.items ?? []} />
          </div>
        </div>
      ) : null}
      <FilterBar
        filters={[
          { key: "q", kind: "text", label: say("apps.filter") },
          {
            key: "category",
            kind: "choice",
            label: say("catalogue.category"),
            choices: categories.data?.items.map((item) => ({ value: item.id, label: nameOf(item.id) })) ?? [],
          },
          {
            key: "listed",
            kind: "choice",
            label: say("common.state"),
            choices: [
              { value: "yes", label: say("catalogue.listed") },
              { value: "no", label: say("catalogue.notListed") },
            ],
          },
        ]}
      />
      <PageTable
        label={say("catalogue.entries")}
        columns={columns}
        {...tableOf(found)}
        rowKey={(row) => row.app}
        isFiltered={isFiltered}
        empty={<Empty title={say("catalogue.emptyTitle")} />}
      />
    </div>
  );
}
