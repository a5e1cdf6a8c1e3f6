/** Colleagues with an account here. */

import { PlusOutlined } from "@ant-design/icons";
import { Form, Input } from "antd";
import { query } from "../../api/client";
import type { Operator } from "../../api/types";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { FilterBar, useFilters } from "../../design/FilterBar";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { useCursor } from "../../design/pages";
import { Person, StateTag, Tag } from "../../design/Small";
import { useText } from "../../i18n";
import { useAppNames } from "../apps/names";
import { usePublisherNames } from "../publishers/names";
import { GrantFields, type GrantValues, grantOf } from "./GrantFields";
import { OperatorActions } from "./OperatorActions";
import { useRoleName } from "./roles";

type NewValues = GrantValues & { email: string; name: string; note?: string };

export default function Operators() {
  const { say } = useText();
  const { may } = useSession();
  const act = useAct();
  const { values, isFiltered } = useFilters();
  const { page, tableOf } = useCursor(values);
  const found = query.useQuery("get", "/operators", {
    params: {
      query: {
        ...page,
        ...(values.q ? { search: values.q } : {}),
        ...(values.state ? { state: values.state as "active" | "disabled" } : {}),
      },
    },
  });
  const create = query.useMutation("post", "/operators");
  const roleName = useRoleName();
  const appNames = useAppNames();
  const publisherNames = usePublisherNames();
  const limitOf = (grant: Operator["grants"][number]) => {
    const { app, publisher, client_app } = grant;
    if (app) return appNames(app) || app;
    return publisher ? publisherNames(publisher) || publisher : client_app;
  };
  const columns: Column<Operator>[] = [
    {
      key: "name",
      title: say("people.name"),
      render: (row) => (
        <>
          <Person id={row.id} name={row.name} />
          <div className="sub wrap" style={{ marginLeft: 29 }}>
            {row.email}
          </div>
        </>
      ),
    },
    {
      key: "roles",
      title: say("people.roles"),
      render: (row) => (
        <span className="row">
          {row.grants.map((grant) => (
            <Tag key={grant.id} tone="brand">
              {roleName(grant.role)}
              {limitOf(grant) ? ` · ${limitOf(grant)}` : ""}
            </Tag>
          ))}
        </span>
      ),
    },
    {
      key: "state",
      title: say("common.state"),
      render: (row) => (
        <span className="row">
          <StateTag state={row.state} />
          {row.is_set_up ? null : <Tag tone="warn">{say("people.notSetUp")}</Tag>}
        </span>
      ),
    },
    {
      key: "do",
      title: say("common.actions"),
      render: (row) => <OperatorActions operator={row} />,
    },
  ];
  return (
    <PageFrame
      title={say("people.operatorsTitle")}
      lead={say("people.operatorsLead")}
      actions={
        may("operator:propose") ? (
          <FormDialog<NewValues>
            label={say("people.create")}
            type="primary"
            icon={<PlusOutlined />}
            title={say("people.create")}
            lead={say("people.createLead")}
            submit={say("people.create")}
            doneText={say("common.waitsForSecond")}
            byCode={{
              operator_exists: ["email"],
              person_exists: ["email"],
              bad_grant: ["role"],
              unknown_role: ["role"],
            }}
            rename={renameGrant}
            onSubmit={({ email, name, note, ...grant }) =>
              act(() =>
                create.mutateAsync({
                  body: { email, name, note: note ?? "", grants: [grantOf(grant)], existing: false },
                }),
              )
            }
          >
            <Form.Item name="name" label={say("people.name")} rules={[{ required: true }]}>
              <Input autoFocus autoComplete="off" />
            </Form.Item>
            <Form.Item name="email" label={say("people.email")} rules={[{ required: true }]}>
              <Input type="email" autoComplete="off" />
            </Form.Item>
            <GrantFields />
            <Form.Item name="note" label={say("common.note")}>
              <Input.TextArea autoSize={{ minRows: 2 }} />
            </Form.Item>
          </FormDialog>
        ) : null
      }
    >
      <Panel flush>
        <FilterBar
          filters={[
            { key: "q", kind: "text", label: say("people.searchPeople") },
            {
              key: "state",
              kind: "choice",
              label: say("common.state"),
              choices: (["active", "disabled"] as const).map((value) => ({ value, label: say(`states.${value}`) })),
            },
          ]}
        />
        <PageTable
          label={say("people.operatorsTitle")}
          columns={columns}
          {...tableOf(found)}
          rowKey={(row) => row.id}
          isFiltered={isFiltered}
        />
      </Panel>
    </PageFrame>
  );
}

/** `grants.0.role` of the server is `role` of the form. */
export function renameGrant(path: (string | number)[]): (string | number)[] {
  if (path[0] !== "grants") return path;
  return [path[2] === undefined ? "role" : path[2]];
}
