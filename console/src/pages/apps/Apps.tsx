/** Every registered mini-app. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input, Radio } from "antd";
import { query } from "../../api/client";
import type { App } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, StateTag, Tag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";
import { PublisherChoice } from "../publishers/PublisherChoice";
import { AppName } from "./names";

export default function Apps() {
  const { say, sayOr } = useText();
  const { may } = useSession();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/apps", {
    params: { query: { ...page, ...(values.q ? { search: values.q } : {}) } },
  });
  const publishers = query.useQuery("get", "/publishers", {}, { enabled: may("app:read") });
  const publisherName = (id: string) => publishers.data?.items.find((one) => one.id === id)?.name;

  const columns: Column<App>[] = [
    {
      key: "app",
      title: say("common.app"),
      render: (row) => (
        <AppName app={row.app} name={row.name} link>
          {row.kind === "miniapp" ? null : <Tag>{sayOr(`explain.kind_${row.kind}`, row.kind)}</Tag>}
        </AppName>
      ),
    },
    {
      key: "publisher",
      title: say("apps.publisher"),
      render: (row) => publisherName(row.publisher) ?? <CopyId value={row.publisher} />,
    },
    {
      key: "published",
      title: say("common.version"),
      render: (row) => (
        <span className="row">
          {row.published ? (
            <span className="num">{row.published.version}</span>
          ) : (
            <span className="faint">{say("apps.notPublished")}</span>
          )}
          {row.waiting > 0 ? <Tag tone="info">{say("apps.waitingN", { n: row.waiting })}</Tag> : null}
        </span>
      ),
    },
    {
      key: "state",
      title: say("common.state"),
      render: (row) => <StateTag state={row.archived_ms ? "archived" : "active"} />,
      nowrap: true,
    },
    { key: "created", title: say("apps.registered"), render: (row) => <Time ms={row.created_ms} />, nowrap: true },
  ];
  return (
    <PageFrame title={say("apps.title")} lead={say("apps.lead")} actions={may("app:create") ? <RegisterApp /> : null}>
      <Panel flush>
        <FilterBar filters={[{ key: "q", kind: "text", label: say("apps.filter") }]} />
        <PageTable
          label={say("apps.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.app}
          href={(row) => `/apps/${row.app}`}
          isFiltered={isFiltered}
          empty={<Empty title={say("apps.emptyTitle")} hint={say("apps.emptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}

type NewApp = { app: string; kind: string; publisher: string };

/** Kinds of packages, as apps are registered. */
const KINDS = ["miniapp", "shared", "native"] as const;

function RegisterApp() {
  const { say } = useText();
  const act = useAct();
  const create = query.useMutation("post", "/apps");
  return (
    <FormDialog<NewApp>
      label={say("apps.register")}
      title={say("apps.register")}
      lead={say("apps.registerLead")}
      submit={say("apps.register")}
      type="primary"
      icon={<PlusOutlined />}
      byCode={{ app_id_taken: ["app"], bad_app_id: ["app"], publisher_unknown: ["publisher"] }}
      onSubmit={(body) => act(() => create.mutateAsync({ body }))}
      initial={{ kind: "miniapp" }}
    >
      <Form.Item name="app" label={say("apps.appId")} extra={say("apps.appIdHint")} rules={[{ required: true }]}>
        <Input spellCheck={false} autoCapitalize="none" autoFocus />
      </Form.Item>
      <Form.Item name="publisher" label={say("apps.publisher")} rules={[{ required: true }]}>
        <PublisherChoice />
      </Form.Item>
      <Form.Item name="kind" label={say("apps.kind")} rules={[{ required: true }]}>
        <Radio.Group options={KINDS.map((value) => ({ value, label: say(`explain.kind_${value}`) }))} />
      </Form.Item>
    </FormDialog>
  );
}
