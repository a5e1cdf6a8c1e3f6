/** A role, for the whole workspace or for one app or publisher. */

import { Form } from "antd";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { Choice } from "../../design/Choice";
import { useText } from "../../i18n";
import { AppChoice } from "../apps/AppChoice";
import { PublisherChoice } from "../publishers/PublisherChoice";
import { useRoleName } from "./roles";

export type GrantValues = { role: string; app?: string; publisher?: string };

export function grantOf(values: GrantValues) {
  return { role: values.role, app: values.app ?? null, publisher: values.publisher ?? null, client_app: null };
}

export function GrantFields() {
  const { say } = useText();
  const { may } = useSession();
  const roleName = useRoleName();
  const roles = query.useQuery("get", "/roles", { params: { query: { limit: 200 } } });
  return (
    <>
      <Form.Item name="role" label={say("people.role")} rules={[{ required: true }]}>
        <Choice<string>
          options={roles.data?.items.map((role) => ({ value: role.name, label: roleName(role.name) })) ?? []}
        />
      </Form.Item>
      {may("app:read") ? (
        <>
          <Form.Item name="publisher" label={`${say("people.limit")}: ${say("people.limitPublisher")}`}>
            <PublisherChoice allowClear placeholder={say("people.limitNone")} />
          </Form.Item>
          <Form.Item name="app" label={`${say("people.limit")}: ${say("people.limitApp")}`}>
            <AppChoice allowClear placeholder={say("people.limitNone")} />
          </Form.Item>
        </>
      ) : null}
    </>
  );
}
