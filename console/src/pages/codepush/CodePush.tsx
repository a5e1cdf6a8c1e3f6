/** React Native apps that are updated by the CodePush protocol. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input } from "antd";
import { Link } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Person, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";

type App = components["schemas"]["CodePushAppOut"];
type NewApp = components["schemas"]["NewCodePushApp"];

const FIRST: Partial<NewApp> = { os: "", platform: "React-Native" };

export default function CodePush() {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { page, tableOf } = useCursor(null);
  const found = query.useQuery("get", "/codepush/apps", { params: { query: page } });
  const make = query.useMutation("post", "/codepush/apps");
  const columns: Column<App>[] = [
    {
      key: "name",
      title: say("codepush.app"),
      render: (row) => (
        <Link className="strong" to={`/codepush/${row.name}`}>
          {row.name}
        </Link>
      ),
    },
    { key: "os", title: say("codepush.os"), render: (row) => row.os || <span className="faint">—</span> },
    { key: "platform", title: say("codepush.platform"), render: (row) => row.platform },
    { key: "by", title: say("codepush.madeBy"), render: (row) => <Person id={row.made_by} />, nowrap: true },
    { key: "at", title: say("common.created"), nowrap: true, render: (row) => <Time ms={row.created_ms} /> },
  ];
  return (
    <PageFrame
      title={say("codepush.title")}
      lead={say("codepush.lead")}
      actions={
        may("codepush:edit") ? (
          <FormDialog<NewApp>
            label={say("codepush.newApp")}
            title={say("codepush.newApp")}
            submit={say("codepush.newApp")}
            type="primary"
            icon={<PlusOutlined />}
            initial={FIRST}
            byCode={{ codepush_name_taken: ["name"], codepush_malformed: ["name"] }}
            onSubmit={(body) => act(() => make.mutateAsync({ body }))}
          >
            <Form.Item
              name="name"
              label={say("codepush.name")}
              extra={say("codepush.nameHint")}
              rules={[{ required: true }]}
            >
              <Input maxLength={100} spellCheck={false} autoCapitalize="none" />
            </Form.Item>
            <Form.Item name="os" label={say("codepush.os")}>
              <Input maxLength={32} placeholder="iOS" />
            </Form.Item>
            <Form.Item name="platform" label={say("codepush.platform")} rules={[{ required: true }]}>
              <Input maxLength={32} />
            </Form.Item>
          </FormDialog>
        ) : null
      }
    >
      <Panel flush>
        <PageTable
          label={say("codepush.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.name}
          href={(row) => `/codepush/${row.name}`}
          empty={<Empty title={say("codepush.empty")} hint={say("codepush.emptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}
