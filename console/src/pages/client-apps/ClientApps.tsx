/** The apps in which customers open mini-apps. */

import { PlusOutlined } from "@ant-design/icons";
import { Checkbox, Form, Input, Select } from "antd";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { query } from "../../api/client";
import type { ClientApp } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { changedOf } from "../../design/changed";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { StateTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";
import { readPairs, writePairs } from "./pairs";

type Values = {
  id: string;
  name: string;
  channel: string;
  bundles?: string;
  minimum?: string;
  registers_customers?: boolean;
};

export default function ClientApps() {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { page, tableOf } = useCursor(null);
  const found = query.useQuery("get", "/client-apps", {
    params: { query: { ...page } },
  });
  const create = query.useMutation("post", "/client-apps");
  const columns: Column<ClientApp>[] = [
    {
      key: "name",
      title: say("common.name"),
      render: (row) => (
        <>
          <Link className="strong" to={`/client-apps/${row.id}/upgrades`}>
            {row.name}
          </Link>
          <br />
          <code className="sub">{row.id}</code>
        </>
      ),
    },
    { key: "channel", title: say("people.channel"), render: (row) => row.channel },
    { key: "bundles", title: say("people.bundles"), render: (row) => <Pairs values={row.bundle_ids} /> },
    { key: "minimum", title: say("people.minimum"), render: (row) => <Pairs values={row.minimum_versions} /> },
    {
      key: "state",
      title: say("common.state"),
      render: (row) => <StateTag state={row.closed ? "closed" : "open"} />,
      nowrap: true,
    },
    { key: "at", title: say("common.created"), render: (row) => <Time ms={row.created_ms} />, nowrap: true },
    ...(may("client_app:edit")
      ? [{ key: "do", title: say("common.actions"), render: (row: ClientApp) => <Actions app={row} /> }]
      : []),
  ];
  return (
    <PageFrame
      title={say("people.clientAppsTitle")}
      lead={say("people.clientAppsLead")}
      actions={
        may("client_app:edit") ? (
          <FormDialog<Values>
            label={say("people.newClientApp")}
            type="primary"
            icon={<PlusOutlined />}
            title={say("people.newClientApp")}
            submit={say("people.newClientApp")}
            initial={{ channel: "app" }}
            byCode={{ client_app_taken: ["id"] }}
            rename={rename}
            onSubmit={(values) => act(() => create.mutateAsync({ body: { id: values.id, ...bodyOf(values) } }))}
          >
            <Form.Item name="id" label={say("common.id")} rules={[{ required: true }]}>
              <Input spellCheck={false} autoFocus />
            </Form.Item>
            <Fields />
          </FormDialog>
        ) : null
      }
    >
      <Panel flush>
        <PageTable
          label={say("people.clientAppsTitle")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.id}
          empty={<Empty title={say("people.clientAppsEmpty")} />}
        />
      </Panel>
    </PageFrame>
  );
}

function Actions({ app }: { app: ClientApp }) {
  const { say } = useText();
  const act = useAct();
  const patch = query.useMutation("patch", "/client-apps/{app_id}");
  const remove = query.useMutation("delete", "/client-apps/{app_id}");
  const params = { path: { app_id: app.id } };
  return (
    <span className="row">
      <FormDialog<Values>
        label={say("common.edit")}
        size="small"
        title={say("people.editClientApp")}
        submit={say("common.save")}
        initial={{
          name: app.name,
          channel: app.channel,
          bundles: writePairs(app.bundle_ids),
          minimum: writePairs(app.minimum_versions),
          registers_customers: app.registers_customers,
        }}
        rename={rename}
        onSubmit={(values, began) =>
          act(() => patch.mutateAsync({ params, body: changedOf(bodyOf(values), bodyOf(began as Values)) }))
        }
      >
        <Fields />
      </FormDialog>
      {app.closed ? (
        <>
          <ConfirmAction
            label={say("people.reopen")}
            size="small"
            title={say("people.reopen")}
            what={app.name}
            onConfirm={() => act(() => patch.mutateAsync({ params, body: { closed: false } }))}
          />
          <ConfirmAction
            label={say("people.deleteClientApp")}
            size="small"
            danger
            title={say("people.deleteClientAppTitle", { name: app.name })}
            what={say("people.deleteClientAppWhat")}
            onConfirm={() => act(() => remove.mutateAsync({ params }))}
          />
        </>
      ) : (
        <ConfirmAction
          label={say("people.close")}
          size="small"
          danger
          title={say("people.closeTitle", { name: app.name })}
          what={say("people.closeWhat")}
          onConfirm={() => act(() => patch.mutateAsync({ params, body: { closed: true } }))}
        />
      )}
    </span>
  );
}

function Fields(): ReactNode {
  const { say } = useText();
  const pairs = [
    {
      validator: async (_: unknown, text: string | undefined) => {
        if (readPairs(text ?? "") === null) throw new Error(say("people.perPlatformForm"));
      },
    },
  ];
  return (
    <>
      <Form.Item name="name" label={say("common.name")} rules={[{ required: true }]}>
        <Input />
      </Form.Item>
      <Form.Item name="channel" label={say("people.channel")} rules={[{ required: true }]}>
        <Select options={["app", "web", "mini"].map((value) => ({ value, label: value }))} />
      </Form.Item>
      <Form.Item name="bundles" label={say("people.bundles")} extra={say("people.perPlatform")} rules={pairs}>
        <Input.TextArea autoSize={{ minRows: 2 }} className="mono" spellCheck={false} />
      </Form.Item>
      <Form.Item name="minimum" label={say("people.minimum")} extra={say("people.perPlatform")} rules={pairs}>
        <Input.TextArea autoSize={{ minRows: 2 }} className="mono" spellCheck={false} />
      </Form.Item>
      <Form.Item name="registers_customers" valuePropName="checked">
        <Checkbox>{say("people.registers")}</Checkbox>
      </Form.Item>
    </>
  );
}

function Pairs({ values }: { values: Record<string, string> }) {
  return Object.entries(values).map(([name, value]) => (
    <div key={name} className="small wrap">
      <span className="muted">{name}</span> {value}
    </div>
  ));
}

function bodyOf(values: Values) {
  return {
    name: values.name,
    channel: values.channel,
    bundle_ids: readPairs(values.bundles ?? "") ?? {},
    minimum_versions: readPairs(values.minimum ?? "") ?? {},
    registers_customers: values.registers_customers ?? false,
  };
}

function rename(path: (string | number)[]): (string | number)[] {
  if (path[0] === "bundle_ids") return ["bundles"];
  if (path[0] === "minimum_versions") return ["minimum"];
  return path;
}
