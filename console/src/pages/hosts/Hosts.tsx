/** The hosts under which this workspace's super-app answers. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input } from "antd";
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
import { Person, Tag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";

type Row = components["schemas"]["HostView"];

export default function Hosts() {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { page, tableOf } = useCursor(null);
  const found = query.useQuery("get", "/hosts", {
    params: { query: { ...page } },
  });
  const add = query.useMutation("post", "/hosts");
  const columns: Column<Row>[] = [
    {
      key: "host",
      title: say("hosts.host"),
      render: (row) => <span className="strong wrap">{row.host}</span>,
    },
    {
      key: "kind",
      title: say("common.state"),
      render: (row) => (
        <Tag tone={row.is_usual ? "brand" : "neutral"}>{say(row.is_usual ? "hosts.usual" : "hosts.own")}</Tag>
      ),
      nowrap: true,
    },
    { key: "by", title: say("hosts.addedBy"), render: (row) => <Person id={row.added_by} /> },
    { key: "at", title: say("hosts.added"), render: (row) => <Time ms={row.added_ms} />, nowrap: true },
    ...(may("host:edit")
      ? [
          {
            key: "do",
            title: say("common.actions"),
            render: (row: Row) => (row.is_usual ? null : <Remove host={row.host} />),
          },
        ]
      : []),
  ];
  return (
    <PageFrame
      title={say("hosts.title")}
      lead={say("hosts.lead")}
      actions={
        may("host:edit") ? (
          <FormDialog<{ host: string }>
            label={say("hosts.add")}
            type="primary"
            icon={<PlusOutlined />}
            title={say("hosts.add")}
            lead={say("hosts.addLead")}
            submit={say("hosts.add")}
            byCode={{ bad_host_name: ["host"], host_taken: ["host"] }}
            onSubmit={(body) => act(() => add.mutateAsync({ body }))}
          >
            <Form.Item name="host" label={say("hosts.host")} rules={[{ required: true }]}>
              <Input placeholder="app.bank.example" spellCheck={false} autoCapitalize="off" maxLength={253} autoFocus />
            </Form.Item>
          </FormDialog>
        ) : null
      }
    >
      <Panel flush>
        <PageTable
          label={say("hosts.title")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.host}
          empty={<Empty title={say("hosts.empty")} hint={say("hosts.lead")} />}
        />
      </Panel>
    </PageFrame>
  );
}

function Remove({ host }: { host: string }) {
  const { say } = useText();
  const act = useAct();
  const remove = query.useMutation("delete", "/hosts/{host}");
  return (
    <ConfirmAction
      label={say("common.remove")}
      size="small"
      danger
      title={say("hosts.removeTitle", { host })}
      what={say("hosts.removeWhat")}
      onConfirm={() => act(() => remove.mutateAsync({ params: { path: { host } } }))}
    />
  );
}
