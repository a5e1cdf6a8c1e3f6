/** Roles and the permissions in each. */

import { PlusOutlined } from "@ant-design/icons";
import { Collapse, Form, Input } from "antd";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Checks } from "../../design/Checks";
import { FormDialog } from "../../design/FormDialog";
import { PageFrame } from "../../design/PageFrame";
import { Tag } from "../../design/Small";
import { Fetch } from "../../design/States";
import { pick, useText } from "../../i18n";
import { useRoleName } from "./roles";

type Permission = components["schemas"]["PermissionView"];
type Values = { name: string; permissions: string[]; note?: string };

export default function Roles() {
  const { say, language } = useText();
  const { may } = useSession();
  const act = useAct();
  const roleName = useRoleName();
  const roles = query.useQuery("get", "/roles", { params: { query: { limit: 200 } } });
  const permissions = query.useQuery("get", "/permissions", { params: { query: { limit: 200 } } });
  const put = query.useMutation("put", "/roles/{name}");
  const all = permissions.data?.items ?? [];
  const dialog = (before: { name: string; permissions: string[] } | null) => (
    <FormDialog<Values>
      label={say(before ? "common.edit" : "people.newRole")}
      title={say(before ? "people.editRole" : "people.newRole")}
      type={before ? "default" : "primary"}
      size={before ? "small" : "middle"}
      icon={before ? null : <PlusOutlined />}
      submit={say("common.save")}
      width={680}
      doneText={say("common.waitsForSecond")}
      initial={before ?? { permissions: [] }}
      byCode={{ built_in_role_fixed: ["name"], unknown_permission: ["permissions"] }}
      rename={(path) => (path[0] === "after" ? ["permissions"] : path)}
      onSubmit={(values) =>
        act(() =>
          put.mutateAsync({
            params: { path: { name: values.name ?? before?.name ?? "" } },
            body: { before: before?.permissions ?? [], after: values.permissions, note: values.note ?? "" },
          }),
        )
      }
    >
      <Form.Item
        name="name"
        label={say("people.roleName")}
        extra={say("people.roleNameHint")}
        rules={[{ required: true }]}
      >
        <Input spellCheck={false} disabled={before !== null} />
      </Form.Item>
      <Form.Item name="permissions" label={say("people.permissions")} rules={[{ required: true }]}>
        <Checks
          label={say("people.permissions")}
          columns
          options={all.map((item) => ({ value: item.name, label: pick(language, item) }))}
        />
      </Form.Item>
      <Form.Item name="note" label={say("common.note")}>
        <Input.TextArea autoSize={{ minRows: 2 }} />
      </Form.Item>
    </FormDialog>
  );
  return (
    <PageFrame
      title={say("people.roles")}
      lead={say("people.rolesLead")}
      actions={may("operator:propose") ? dialog(null) : null}
    >
      <div className="panel">
        <Fetch of={roles}>
          {({ items }) => (
            <Collapse
              bordered={false}
              style={{ background: "transparent" }}
              items={items.map((role) => ({
                key: role.name,
                label: (
                  <span className="row">
                    <strong>{roleName(role.name)}</strong>
                    {roleName(role.name) === role.name ? null : <code className="muted small">{role.name}</code>}
                    <Tag tone={role.built_in ? "neutral" : "brand"}>
                      {say(role.built_in ? "people.builtIn" : "people.own")}
                    </Tag>
                    <span className="muted small">
                      {say("people.permissionsCount", { n: role.permissions.length })}
                    </span>
                  </span>
                ),
                children: (
                  <div className="stack">
                    <Names names={role.permissions} all={all} />
                    {!role.built_in && may("operator:propose") ? <div>{dialog(role)}</div> : null}
                  </div>
                ),
              }))}
            />
          )}
        </Fetch>
      </div>
    </PageFrame>
  );
}

export function Names({ names, all }: { names: readonly string[]; all: readonly Permission[] }) {
  const { say, language } = useText();
  return (
    <dl className="facts">
      {names.map((name) => {
        const known = all.find((item) => item.name === name);
        return (
          <div key={name}>
            <dd>
              {known ? pick(language, known) : name}{" "}
              {known?.dangerous ? <Tag tone="warn">{say("people.dangerous")}</Tag> : null}
            </dd>
            <dt>
              <code>{name}</code>
            </dt>
          </div>
        );
      })}
    </dl>
  );
}
