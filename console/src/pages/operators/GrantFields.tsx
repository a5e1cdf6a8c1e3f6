/** A role, for the whole workspace or for one app or publisher. */

import { Form, Select } from "antd";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useText } from "../../i18n";
import { useAppNames } from "../apps/names";
import { useRoleName } from "./roles";

export type GrantValues = { role: string; app?: string; publisher?: string };

export function grantOf(values: GrantValues) {
  return { role: values.role, app: values.app ?? null, publisher: values.publisher ?? null, client_app: null };
}

export function GrantFields() {
  const { say } = useText();
  const { may } = useSession();
  const roleName = useRoleName();
  const appNames = useAppNames();
  const roles = query.useQuery("get", "/roles", { params: { query: { limit: 200 } } });
  const apps = query.useQuery("get", "/apps", { params: { query: { limit: 200 } } }, { enabled: may("app:read") });
  const publishers = query.useQuery(
    "get",
    "/publishers",
    { params: { query: { limit: 200 } } },
    { enabled: may("app:read") },
  );
  return (
    <>
      <Form.Item name="role" label={say("people.role")} rules={[{ required: true }]}>
        <Select
          showSearch
          options={roles.data?.items.map((role) => ({ value: role.name, label: roleName(role.name) })) ?? []}
        />
      </Form.Item>
      <Form.Item name="publisher" label={`${say("people.limit")}: ${say("people.limitPublisher")}`}>
        <Select
          allowClear
          placeholder={say("people.limitNone")}
          options={publishers.data?.items.map((one) => ({ value: one.id, label: one.name })) ?? []}
        />
      </Form.Item>
      <Form.Item name="app" label={`${say("people.limit")}: ${say("people.limitApp")}`}>
        <Select
          allowClear
          showSearch
          placeholder={say("people.limitNone")}
          options={apps.data?.items.map((one) => ({ value: one.app, label: appNames(one.app) || one.app })) ?? []}
        />
      </Form.Item>
    </>
  );
}
