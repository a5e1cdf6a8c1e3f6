/** Machine tokens: made here, shown once. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input, InputNumber, Select } from "antd";
import { useState } from "react";
import { query } from "../../api/client";
import type { Token } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { ShownOnce } from "../../design/ShownOnce";
import { CopyId, Person, StateTag, Time } from "../../design/Small";
import { Empty } from "../../design/States";
import { pick, useText } from "../../i18n";

type Values = { name: string; permissions: string[]; days: number };

export default function Tokens() {
  const { say, language } = useText();
  const { may, me } = useSession();
  const act = useAct();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const [secret, setSecret] = useState("");
  const found = query.useQuery("get", "/tokens", {
    params: {
      query: {
        ...page,
        ...(values.state ? { state: values.state as "active" | "ended" } : {}),
      },
    },
  });
  const permissions = query.useQuery(
    "get",
    "/permissions",
    { params: { query: { limit: 200 } } },
    { enabled: may("operator:read") },
  );
  const create = query.useMutation("post", "/tokens");
  const end = query.useMutation("delete", "/tokens/{token_id}");
  const grantable = (permissions.data?.items ?? []).filter((item) => !item.dangerous && may(item.name));
  const stateOf = (row: Token) => (row.revoked_ms ? "revoked" : row.expires_ms < Date.now() ? "expired" : "active");
  const columns: Column<Token>[] = [
    {
      key: "name",
      title: say("people.tokenName"),
      render: (row) => (
        <>
          <div className="strong">{row.name}</div>
          <CopyId value={row.id} />
        </>
      ),
    },
    { key: "owner", title: say("people.tokenOf"), render: (row) => <Person id={row.operator} /> },
    {
      key: "permissions",
      title: say("people.permissions"),
      render: (row) => <code className="small">{row.permissions.join(", ")}</code>,
    },
    { key: "state", title: say("common.state"), render: (row) => <StateTag state={stateOf(row)} />, nowrap: true },
    { key: "ends", title: say("people.tokenEnds"), render: (row) => <Time ms={row.expires_ms} />, nowrap: true },
    {
      key: "do",
      title: say("common.actions"),
      render: (row) =>
        stateOf(row) === "active" && (row.operator === me.operator || may("token:revoke")) ? (
          <ConfirmAction
            label={say("people.tokenEnd")}
            size="small"
            danger
            title={say("people.tokenEndTitle", { name: row.name })}
            what={say("people.tokenEndWhat")}
            onConfirm={() => act(() => end.mutateAsync({ params: { path: { token_id: row.id } } }))}
          />
        ) : null,
    },
  ];
  return (
    <PageFrame
      title={say("people.tokensTitle")}
      lead={say("people.tokensLead")}
      actions={
        may("token:create") ? (
          <FormDialog<Values>
            label={say("people.newToken")}
            type="primary"
            icon={<PlusOutlined />}
            title={say("people.newToken")}
            submit={say("people.newToken")}
            initial={{ days: 90, permissions: [] }}
            doneText=""
            byCode={{ bad_token: ["name"] }}
            onSubmit={async (body) => setSecret((await act(() => create.mutateAsync({ body }))).secret ?? "")}
          >
            <Form.Item name="name" label={say("people.tokenName")} rules={[{ required: true }]}>
              <Input autoFocus autoComplete="off" />
            </Form.Item>
            <Form.Item name="permissions" label={say("people.permissions")} rules={[{ required: true }]}>
              <Select
                mode={grantable.length > 0 ? "multiple" : "tags"}
                options={
                  grantable.length > 0
                    ? grantable.map((item) => ({ value: item.name, label: pick(language, item) }))
                    : me.permissions.map((name) => ({ value: name, label: name }))
                }
              />
            </Form.Item>
            <Form.Item name="days" label={say("people.tokenDays")} rules={[{ required: true }]}>
              <InputNumber min={1} max={365} />
            </Form.Item>
          </FormDialog>
        ) : null
      }
    >
      <Panel flush>
        <FilterBar
          filters={[
            {
              key: "state",
              kind: "choice",
              label: say("common.state"),
              choices: [
                { value: "active", label: say("states.active") },
                { value: "ended", label: say("states.expired") },
              ],
            },
          ]}
        />
        <PageTable
          label={say("people.tokensTitle")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.id}
          isFiltered={isFiltered}
          empty={<Empty title={say("people.tokensEmpty")} hint={say("people.tokensLead")} />}
        />
      </Panel>
      <ShownOnce
        secret={secret}
        title={say("people.newToken")}
        hint={say("people.tokenOnce")}
        onClose={() => setSecret("")}
      />
    </PageFrame>
  );
}
