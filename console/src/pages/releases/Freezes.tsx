/** The freeze calendar: times in which no release starts or moves on. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input } from "antd";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FormDialog } from "../../design/FormDialog";
import { Moment } from "../../design/Moment";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useLocalPages } from "../../design/pages";
import { Tag } from "../../design/Small";
import { Empty } from "../../design/States";
import { shortTime } from "../../design/time";
import { useText } from "../../i18n";

type Freeze = components["schemas"]["FreezeOut"];
type Values = components["schemas"]["FreezeBody"];

export default function Freezes() {
  const { say, language } = useText();
  const { may } = useSession();
  const act = useAct();
  const found = query.useQuery("get", "/freezes", { params: { query: { limit: 200 } } });
  const add = query.useMutation("post", "/freezes");
  const remove = query.useMutation("delete", "/freezes/{freeze_id}");
  const { rows, pages } = useLocalPages(found.data?.items, found.dataUpdatedAt, 25);
  const now = Date.now();
  const columns: Column<Freeze>[] = [
    {
      key: "reason",
      title: say("releases.freezeReason"),
      render: (row) => <span className="strong wrap">{row.reason}</span>,
    },
    {
      key: "state",
      title: say("common.state"),
      render: (row) =>
        row.from_ms <= now ? (
          <Tag tone="warn">{say("releases.freezeNow")}</Tag>
        ) : (
          <Tag tone="info">{say("releases.freezeAhead")}</Tag>
        ),
      nowrap: true,
    },
    { key: "from", title: say("releases.freezeFrom"), render: (row) => shortTime(row.from_ms, language), nowrap: true },
    {
      key: "until",
      title: say("releases.freezeUntil"),
      render: (row) => shortTime(row.until_ms, language),
      nowrap: true,
    },
    {
      key: "act",
      title: "",
      right: true,
      render: (row) =>
        may("release:freeze") ? (
          <ConfirmAction
            label={say("releases.freezeRemove")}
            size="small"
            title={say("releases.freezeRemoveTitle")}
            what={
              <>
                <p className="strong">{row.reason}</p>
                <p>{say("releases.freezeRemoveWhat")}</p>
              </>
            }
            onConfirm={() => act(() => remove.mutateAsync({ params: { path: { freeze_id: row.id } } }))}
          />
        ) : null,
    },
  ];
  return (
    <PageFrame
      title={say("releases.freezes")}
      crumbs={[{ title: say("releases.title"), to: "/releases" }]}
      lead={say("releases.freezesLead")}
      actions={
        may("release:freeze") ? (
          <FormDialog<Values>
            label={say("releases.freezeAdd")}
            title={say("releases.freezeAdd")}
            submit={say("common.add")}
            type="primary"
            icon={<PlusOutlined />}
            doneText={say("common.done")}
            byCode={{ too_many_freezes: ["reason"] }}
            onSubmit={(body) => act(() => add.mutateAsync({ body }))}
          >
            <Form.Item name="from_ms" label={say("releases.freezeFrom")} rules={[{ required: true }]}>
              <Moment />
            </Form.Item>
            <Form.Item name="until_ms" label={say("releases.freezeUntil")} rules={[{ required: true }]}>
              <Moment />
            </Form.Item>
            <Form.Item
              name="reason"
              label={say("releases.freezeReason")}
              extra={say("releases.freezeReasonHint")}
              rules={[{ required: true, whitespace: true }]}
            >
              <Input maxLength={200} />
            </Form.Item>
          </FormDialog>
        ) : null
      }
    >
      <Panel flush>
        <PageTable
          label={say("releases.freezes")}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          error={found.error}
          onRetry={() => found.refetch()}
          pages={pages}
          empty={<Empty title={say("releases.freezesEmpty")} hint={say("releases.freezesEmptyHint")} />}
        />
      </Panel>
    </PageFrame>
  );
}
