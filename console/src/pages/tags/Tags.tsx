/** Every tag, with how many have it and how its last import went. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input } from "antd";
import { Link, useNavigate } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";
import { ImportTag, isOpen, type Tag, useCount } from "./states";

const LOOK_MS = 2_000;

export default function Tags() {
  const { say } = useText();
  const { may } = useSession();
  const count = useCount();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery(
    "get",
    "/tags",
    { params: { query: { ...page, search: values.search ?? "" } } },
    { refetchInterval: ({ state }) => (state.data?.items.some((tag) => isOpen(tag.last_import)) ? LOOK_MS : false) },
  );
  const columns: Column<Tag>[] = [
    {
      key: "name",
      title: say("tags.titleLabel"),
      render: (tag) => (
        <>
          <Link className="strong wrap" to={`/tags/${tag.name}`}>
            {tag.title || tag.name}
          </Link>
          {tag.title ? <div className="sub mono wrap">{tag.name}</div> : null}
        </>
      ),
    },
    { key: "members", title: say("tags.members"), render: (tag) => count(tag.members), right: true },
    {
      key: "import",
      title: say("tags.lastImport"),
      render: ({ last_import: last }) =>
        last ? (
          <span className="row">
            <ImportTag of={last} />
            {last.refused > 0 ? (
              <span className="small muted num">
                {say("tags.refused")} {count(last.refused)}
              </span>
            ) : null}
          </span>
        ) : (
          <span className="faint">{say("tags.neverImported")}</span>
        ),
    },
    { key: "changed", title: say("common.changed"), render: (tag) => <Time ms={tag.changed_ms} />, nowrap: true },
  ];
  const create = may("tag:edit") ? <CreateTag /> : null;
  return (
    <PageFrame title={say("tags.title")} lead={say("tags.lead")} actions={create}>
      <Panel flush>
        <FilterBar filters={[{ key: "search", kind: "text", label: say("tags.searchLabel") }]} />
        <PageTable
          label={say("tags.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(tag) => tag.name}
          href={(tag) => `/tags/${tag.name}`}
          isFiltered={isFiltered}
          empty={<Empty title={say("tags.emptyTitle")} hint={say("tags.emptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}

function CreateTag() {
  const { say } = useText();
  const act = useAct();
  const navigate = useNavigate();
  const create = query.useMutation("post", "/tags");
  return (
    <FormDialog<components["schemas"]["TagIn"]>
      label={say("tags.create")}
      title={say("tags.createTitle")}
      submit={say("tags.create")}
      type="primary"
      icon={<PlusOutlined />}
      initial={{ name: "", title: "" }}
      byCode={{ tag_taken: ["name"], too_many_tags: ["name"] }}
      onSubmit={async (body) => {
        const made = await act(() => create.mutateAsync({ body }));
        navigate(`/tags/${made.name}`);
      }}
    >
      <Form.Item name="title" label={say("tags.titleLabel")} extra={say("tags.titleHint")}>
        <Input maxLength={200} />
      </Form.Item>
      <Form.Item name="name" label={say("tags.name")} extra={say("tags.nameHint")} rules={[{ required: true }]}>
        <Input className="mono" maxLength={64} autoComplete="off" spellCheck={false} />
      </Form.Item>
    </FormDialog>
  );
}
