/** Versions of a client app that customers are led to: what they are told, and releasing it. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input, InputNumber, Radio, Tag } from "antd";
import { Link, useParams } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";

type Upgrade = components["schemas"]["UpgradeOut"];
type Change = components["schemas"]["UpgradeChange"];
type Values = components["schemas"]["NewUpgrade"];

const FIRST: Partial<Values> = { mode: "reminder" };

export default function Upgrades() {
  const { say, language } = useText();
  const { may } = useSession();
  const act = useAct();
  const { app = "" } = useParams();
  const { page, tableOf } = useCursor(app);
  const path = { app_id: app };
  const owner = query.useQuery("get", "/client-apps/{app_id}", { params: { path } });
  const found = query.useQuery("get", "/client-apps/{app_id}/upgrades", { params: { path, query: page } });
  const enter = query.useMutation("post", "/client-apps/{app_id}/upgrades");
  const columns: Column<Upgrade>[] = [
    {
      key: "version",
      title: say("common.version"),
      render: (row) => (
        <>
          <span className="strong num">{row.version}</span> <span className="sub num">#{row.build}</span>
        </>
      ),
      nowrap: true,
    },
    {
      key: "mode",
      title: say("upgrades.mode"),
      render: (row) => (
        <Tag color={row.withdrawn ? "default" : row.mode === "forced" ? "red" : "blue"}>
          {row.withdrawn ? say("upgrades.withdrawn") : say(`upgrades.${row.mode}`)}
        </Tag>
      ),
      nowrap: true,
    },
    { key: "text", title: say("upgrades.text"), render: (row) => <span className="wrap">{row.text[language]}</span> },
    { key: "url", title: say("upgrades.url"), render: (row) => <code className="sub wrap">{row.url}</code> },
    { key: "at", title: say("common.changed"), render: (row) => <Time ms={row.changed_ms} />, nowrap: true },
    { key: "do", title: say("common.actions"), render: (row) => <Actions of={row} /> },
  ];
  return (
    <PageFrame
      title={say("upgrades.title", { app: owner.data?.name ?? app })}
      crumbs={[{ title: say("people.clientAppsTitle"), to: "/client-apps" }]}
      lead={say("upgrades.lead")}
      actions={
        may("upgrade:edit") ? (
          <FormDialog<Values>
            label={say("upgrades.enter")}
            type="primary"
            icon={<PlusOutlined />}
            title={say("upgrades.enter")}
            submit={say("common.save")}
            initial={FIRST}
            byCode={{ upgrade_taken: ["build"], upgrade_withdrawn: ["build"] }}
            onSubmit={(body) => act(() => enter.mutateAsync({ params: { path }, body }))}
          >
            <Form.Item name="build" label={say("upgrades.build")} extra={say("upgrades.buildHint")} rules={REQUIRED}>
              <InputNumber<number> min={1} precision={0} style={{ width: "100%" }} autoFocus />
            </Form.Item>
            <Fields />
          </FormDialog>
        ) : null
      }
    >
      <Panel flush>
        <PageTable
          label={say("upgrades.title", { app })}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => String(row.build)}
          empty={<Empty title={say("upgrades.none")} hint={say("upgrades.noneHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}

function Actions({ of: row }: { of: Upgrade }) {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const change = query.useMutation("put", "/client-apps/{app_id}/upgrades/{build}");
  const remove = query.useMutation("delete", "/client-apps/{app_id}/upgrades/{build}");
  const params = { path: { app_id: row.client_app, build: row.build } };
  const { version, mode, url, text, changed_ms } = row;
  return (
    <span className="row">
      {may("release:create") && !row.withdrawn ? (
        <Link to={`/releases/new?kind=app_upgrade&app=${row.client_app}&sequence=${row.build}`}>
          {say("upgrades.release")}
        </Link>
      ) : null}
      {may("upgrade:edit") && !row.withdrawn ? (
        <>
          <FormDialog<Change>
            label={say("common.edit")}
            size="small"
            title={say("upgrades.edit", { version })}
            lead={say("upgrades.editLead")}
            submit={say("common.save")}
            initial={{ version, mode, url, text, changed_ms }}
            onSubmit={(values, began) =>
              act(() => change.mutateAsync({ params, body: { ...values, changed_ms: began.changed_ms ?? 0 } }))
            }
          >
            <Fields />
          </FormDialog>
          <ConfirmAction
            label={say("upgrades.remove")}
            size="small"
            danger
            title={say("upgrades.removeTitle", { version })}
            what={say("upgrades.removeWhat")}
            onConfirm={() => act(() => remove.mutateAsync({ params }))}
          />
        </>
      ) : null}
    </span>
  );
}

const REQUIRED = [{ required: true }];

function Fields() {
  const { say } = useText();
  return (
    <>
      <Form.Item name="version" label={say("common.version")} extra={say("upgrades.versionHint")} rules={REQUIRED}>
        <Input spellCheck={false} maxLength={64} />
      </Form.Item>
      <Form.Item name="mode" label={say("upgrades.mode")} rules={REQUIRED}>
        <Radio.Group
          vertical
          options={[
            { value: "reminder", label: say("upgrades.reminderLong") },
            { value: "forced", label: say("upgrades.forcedLong") },
          ]}
        />
      </Form.Item>
      <Form.Item name="url" label={say("upgrades.url")} extra={say("upgrades.urlHint")} rules={REQUIRED}>
        <Input spellCheck={false} className="mono" maxLength={2000} />
      </Form.Item>
      <Form.Item name={["text", "zh"]} label={say("upgrades.textZh")} rules={REQUIRED}>
        <Input.TextArea autoSize={{ minRows: 2 }} maxLength={2000} lang="zh" />
      </Form.Item>
      <Form.Item name={["text", "en"]} label={say("upgrades.textEn")} rules={REQUIRED}>
        <Input.TextArea autoSize={{ minRows: 2 }} maxLength={2000} lang="en" />
      </Form.Item>
    </>
  );
}
