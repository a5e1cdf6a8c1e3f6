/** The reader's own account: who, what they may do, the password, and the way out. */

import { Form, Input } from "antd";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { PageFrame } from "../../design/PageFrame";
import { ProblemForm } from "../../design/ProblemForm";
import { Time } from "../../design/Small";
import { useText } from "../../i18n";
import { Names } from "../operators/Roles";
import { CodeField, NewPasswordField } from "../session/Fields";

type Values = { password: string; new_password: string; totp: string };

export default function Account() {
  const { say } = useText();
  const { me, may, signOut } = useSession();
  const act = useAct();
  const [form] = Form.useForm<Values>();
  const change = query.useMutation("post", "/session/password");
  const permissions = query.useQuery(
    "get",
    "/permissions",
    { params: { query: { limit: 200 } } },
    { enabled: may("operator:read") },
  );
  return (
    <PageFrame
      title={say("frame.account")}
      lead={say("account.lead")}
      actions={
        <ConfirmAction
          label={say("frame.signOutEverywhere")}
          title={say("frame.signOutEverywhere")}
          what={say("account.everywhereWhat")}
          danger
          onConfirm={() => signOut(true)}
        />
      }
    >
      <div className="columns">
        <div className="stack">
          <Panel title={say("session.permissions")}>
            <div className="stack">
              <Names names={me.permissions} all={permissions.data?.items ?? []} />
              {me.limited.map((part) => (
                <div key={`${part.app}${part.publisher}${part.client_app}`}>
                  <p className="muted small" style={{ marginBottom: 8 }}>
                    {say("session.limitedTo")}: {part.app ?? part.publisher ?? part.client_app}
                  </p>
                  <Names names={part.permissions} all={permissions.data?.items ?? []} />
                </div>
              ))}
            </div>
          </Panel>
        </div>
        <div className="stack">
          <Panel title={me.name}>
            <Facts
              one
              items={[
                { label: say("account.email"), value: me.email },
                { label: say("frame.workspace"), value: me.workspace },
                { label: say("session.sessionEnds"), value: <Time ms={me.expires_ms} /> },
              ]}
            />
          </Panel>
          <Panel title={say("session.changePassword")}>
            <ProblemForm<Values>
              form={form}
              submit={say("session.changePassword")}
              doneText={say("session.passwordChanged")}
              byCode={{ bad_password: ["new_password"], wrong_code: ["totp"], sign_in_refused: ["password"] }}
              onDone={() => form.resetFields()}
              onSubmit={(body) => act(() => change.mutateAsync({ body }))}
            >
              <Form.Item name="password" label={say("session.password")} rules={[{ required: true }]}>
                <Input.Password autoComplete="current-password" />
              </Form.Item>
              <NewPasswordField name="new_password" />
              <CodeField />
            </ProblemForm>
          </Panel>
        </div>
      </div>
    </PageFrame>
  );
}
