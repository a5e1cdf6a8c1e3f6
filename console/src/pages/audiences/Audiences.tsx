/** Every saved audience, the last changed first. */

import { PlusOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { Link, useNavigate } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";
import { Audience } from "../../rules/Audience";

export type Saved = components["schemas"]["AudienceOut"];

export default function Audiences() {
  const { say } = useText();
  const { may } = useSession();
  const navigate = useNavigate();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/audiences", { params: { query: { ...page, search: values.search ?? "" } } });
  const columns: Column<Saved>[] = [
    {
      key: "name",
      title: say("common.name"),
      width: "28%",
      render: (saved) => (
        <>
          <Link className="strong wrap" to={`/audiences/${saved.id}`}>
            {saved.name}
          </Link>
          {saved.note ? <div className="sub wrap">{saved.note}</div> : null}
        </>
      ),
    },
    { key: "who", title: say("audiences.who"), render: (saved) => <Audience rule={saved.audience} /> },
    {
      key: "edition",
      title: say("audiences.edition"),
      render: (saved) => <span className="num">{saved.edition}</span>,
      right: true,
    },
    { key: "changed", title: say("common.changed"), render: (saved) => <Time ms={saved.changed_ms} />, nowrap: true },
  ];
  return (
    <PageFrame
      title={say("audiences.title")}
      lead={say("audiences.lead")}
      actions={
        may("audience:edit") ? (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => navigate("/audiences/new")}>
            {say("audiences.create")}
          </Button>
        ) : null
      }
    >
      <Panel flush>
        <FilterBar filters={[{ key: "search", kind: "text", label: say("audiences.searchLabel") }]} />
        <PageTable
          label={say("audiences.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(saved) => saved.id}
          href={(saved) => `/audiences/${saved.id}`}
          isFiltered={isFiltered}
          empty={<Empty title={say("audiences.emptyTitle")} hint={say("audiences.emptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}
