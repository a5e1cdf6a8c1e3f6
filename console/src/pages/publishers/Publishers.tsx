/** Publishers and the public keys they sign with. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input, Select } from "antd";
import { query } from "../../api/client";
import type { Publisher } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { CopyId, StateTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { useText } from "../../i18n";

type NewKey = { profile: "intl" | "trial"; pem: string };

export default function Publishers() {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/publishers", {
    params: { query: { ...page, ...(values.q ? { search: values.q } : {}) } },
  });
  const create = query.useMutation("post", "/publishers");
  const addKey = query.useMutation("post", "/publishers/{publisher}/keys");
  const columns: Column<Publisher>[] = [
    {
      key: "name",
      title: say("common.name"),
      render: (row) => (
        <>
          <div className="strong">{row.name}</div>
          <CopyId value={row.id} />
        </>
      ),
    },
    {
      key: "keys",
      title: say("people.keys"),
      render: (row) =>
        row.keys.length === 0
          ? "—"
          : row.keys.map((key) => (
              <div className="row" key={key.key_id} style={{ marginBottom: 4 }}>
                <code>{key.profile}</code>
                <CopyId value={key.key_id} />
                <StateTag state={key.state} />
              </div>
            )),
    },
    { key: "at", title: say("common.created"), render: (row) => <Time ms={row.created_ms} />, nowrap: true },
    ...(may("publisher:manage")
      ? [
          {
            key: "do",
            title: say("common.actions"),
            render: (row: Publisher) => (
              <FormDialog<NewKey>
                label={say("people.addKey")}
                size="small"
                title={say("people.addKey")}
                lead={say("people.pemHint")}
                submit={say("people.addKey")}
                initial={{ profile: "intl" }}
                byCode={{ key_unreadable: ["pem"], trust_key_registered: ["pem"], algorithm_not_allowed: ["pem"] }}
                onSubmit={(body) => act(() => addKey.mutateAsync({ params: { path: { publisher: row.id } }, body }))}
              >
                <Form.Item name="profile" label={say("people.profile")} rules={[{ required: true }]}>
                  <Select
                    options={[
                      { value: "intl", label: say("trust.intl") },
                      { value: "trial", label: say("trust.trial") },
                    ]}
                  />
                </Form.Item>
                <Form.Item name="pem" label={say("people.pem")} rules={[{ required: true }]}>
                  <Input.TextArea autoSize={{ minRows: 4 }} className="mono" spellCheck={false} />
                </Form.Item>
              </FormDialog>
            ),
          },
        ]
      : []),
  ];
  return (
    <PageFrame
      title={say("people.publishersTitle")}
      lead={say("people.publishersLead")}
      actions={
        may("publisher:manage") ? (
          <FormDialog<{ name: string }>
            label={say("people.newPublisher")}
            type="primary"
            icon={<PlusOutlined />}
            title={say("people.newPublisher")}
            submit={say("people.newPublisher")}
            byCode={{ publisher_name_taken: ["name"] }}
            onSubmit={(body) => act(() => create.mutateAsync({ body }))}
          >
            <Form.Item name="name" label={say("common.name")} rules={[{ required: true }]}>
              <Input autoFocus />
            </Form.Item>
          </FormDialog>
        ) : null
      }
    >
      <Panel flush>
        <FilterBar filters={[{ key: "q", kind: "text", label: say("common.name") }]} />
        <PageTable
          label={say("people.publishersTitle")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.id}
          isFiltered={isFiltered}
          empty={<Empty title={say("people.publishersEmpty")} />}
        />
      </Panel>
    </PageFrame>
  );
}
