/** The deployments of a CodePush app: the key of each, and what its devices get now. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input } from "antd";
import { Link, useParams } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, Tag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";
import { type Deployment, deploymentPath } from "./labels";
import { LabelState } from "./states";

type NewDeployment = components["schemas"]["NewCodePushDeployment"];

export default function Deployments() {
  const { say } = useText();
  const { may } = useSession();
  const { app = "" } = useParams();
  const act = useAct();
  const { page, tableOf } = useCursor(app);
  const path = { codepush_app: app };
  const found = query.useQuery("get", "/codepush/apps/{codepush_app}/deployments", { params: { path, query: page } });
  const make = query.useMutation("post", "/codepush/apps/{codepush_app}/deployments");
  const columns: Column<Deployment>[] = [
    {
      key: "name",
      title: say("codepush.deployment"),
      render: (row) => (
        <Link className="strong" to={deploymentPath(app, row.name)}>
          {row.name}
        </Link>
      ),
    },
    { key: "key", title: say("codepush.key"), render: (row) => <CopyId value={row.key} /> },
    {
      key: "latest",
      title: say("codepush.latest"),
      render: ({ latest }) =>
        latest ? (
          <span className="row">
            <span className="strong num">{latest.label}</span>
            <LabelState of={latest} />
          </span>
        ) : (
          <span className="faint">{say("codepush.none")}</span>
        ),
    },
    {
      key: "public",
      title: say("codepush.publicKey"),
      render: (row) =>
        row.public_key_fingerprint ? (
          <CopyId value={row.public_key_fingerprint} />
        ) : (
          <Tag tone="warn">{say("codepush.publicKeyNoneShort")}</Tag>
        ),
    },
    { key: "at", title: say("common.created"), nowrap: true, render: (row) => <Time ms={row.created_ms} /> },
  ];
  return (
    <PageFrame
      title={app}
      crumbs={[{ title: say("codepush.title"), to: "/codepush" }]}
      lead={say("codepush.ofApp", { app })}
      actions={
        may("codepush:edit") ? (
          <FormDialog<NewDeployment>
            label={say("codepush.newDeployment")}
            title={say("codepush.newDeployment")}
            submit={say("codepush.newDeployment")}
            type="primary"
            icon={<PlusOutlined />}
            initial={{ key: "" }}
            onSubmit={(body) => act(() => make.mutateAsync({ params: { path }, body }))}
          >
            <Form.Item
              name="name"
              label={say("codepush.name")}
              extra={say("codepush.nameHint")}
              rules={[{ required: true }]}
            >
              <Input maxLength={100} spellCheck={false} placeholder="Production" />
            </Form.Item>
            <Form.Item name="key" label={say("codepush.key")} extra={say("codepush.keyHint")}>
              <Input maxLength={64} spellCheck={false} className="mono" />
            </Form.Item>
          </FormDialog>
        ) : null
      }
    >
      <Panel flush>
        <PageTable
          label={say("codepush.deployments")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.name}
          href={(row) => deploymentPath(app, row.name)}
          empty={<Empty title={say("codepush.deploymentsEmpty")} hint={say("codepush.deploymentsEmptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}
