/** Addresses of other systems that are told too; the signing secret is shown once. */

import { App, Button, Form, Input, Select } from "antd";
import { useState } from "react";
import { query } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { components } from "../../api/schema";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { ConfirmAction } from "../../design/ConfirmAction";
import { FormDialog } from "../../design/FormDialog";
import { ShownOnce } from "../../design/ShownOnce";
import { StateTag, Tag } from "../../design/Small";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";

type Schemas = components["schemas"];
const TEST_POLL_MS = 2_000;
const TESTS = {
  waiting: ["warn", "notices.testWaiting"],
  delivered: ["good", "notices.testDelivered"],
  failed: ["bad", "notices.testFailed"],
} as const;

const isWaiting = (webhook: Schemas["WebhookView"]): boolean => webhook.test_state === "waiting";

export function Webhooks() {
  const { say } = useText();
  const act = useAct();
  const [secret, setSecret] = useState("");
  const found = query.useQuery(
    "get",
    "/notices/webhooks",
    { params: { query: { limit: 100 } } },
    { refetchInterval: (it) => (it.state.data?.items.some(isWaiting) ? TEST_POLL_MS : false) },
  );
  const create = query.useMutation("post", "/notices/webhooks");
  return (
    <Panel
      title={say("notices.webhooks")}
      extra={
        <FormDialog<Schemas["NewWebhook"]>
          label={say("common.add")}
          size="small"
          title={say("notices.addWebhook")}
          lead={say("notices.webhooksHint")}
          submit={say("notices.addWebhook")}
          doneText=""
          initial={{ least: "warning" }}
          onSubmit={async (body) => setSecret((await act(() => create.mutateAsync({ body }))).secret ?? "")}
        >
          <Form.Item name="url" label={say("notices.url")} rules={[{ required: true }]}>
            <Input type="url" placeholder="https://" />
          </Form.Item>
          <Form.Item name="least" label={say("notices.least")} rules={[{ required: true }]}>
            <Select
              options={(["info", "warning", "error"] as const).map((value) => ({
                value,
                label: say(`states.${value}`),
              }))}
            />
          </Form.Item>
        </FormDialog>
      }
    >
      <Fetch of={found} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <span className="muted">{say("notices.webhooksHint")}</span>
          ) : (
            <div className="stack">
              {items.map((item) => (
                <Webhook key={item.id} webhook={item} />
              ))}
            </div>
          )
        }
      </Fetch>
      <ShownOnce
        secret={secret}
        title={say("notices.addWebhook")}
        hint={say("notices.secretOnce")}
        onClose={() => setSecret("")}
      />
    </Panel>
  );
}

function Webhook({ webhook }: { webhook: Schemas["WebhookView"] }) {
  const { say } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const test = query.useMutation("post", "/notices/webhooks/{webhook_id}/test");
  const remove = query.useMutation("delete", "/notices/webhooks/{webhook_id}");
  const params = { path: { webhook_id: webhook.id } };
  return (
    <div className="stack tight">
      <code className="wrap">{webhook.url}</code>
      <div className="row">
        <StateTag state={webhook.least} />
        {webhook.last_status === null ? null : (
          <Tag tone={webhook.last_status < 300 ? "good" : "bad"}>{webhook.last_status}</Tag>
        )}
        {webhook.test_state === null ? null : (
          <Tag tone={TESTS[webhook.test_state][0]}>{say(TESTS[webhook.test_state][1])}</Tag>
        )}
        <Button
          size="small"
          loading={test.isPending}
          onClick={() =>
            act(() => test.mutateAsync({ params })).then(
              () => message.success(say("notices.tested")),
              (thrown) => message.error(asProblem(thrown).detail),
            )
          }
        >
          {say("notices.test")}
        </Button>
        <ConfirmAction
          label={say("common.remove")}
          size="small"
          danger
          title={say("notices.removeTitle")}
          what={say("notices.removeWhat")}
          onConfirm={() => act(() => remove.mutateAsync({ params }))}
        />
      </div>
      {webhook.last_error ? <span className="small muted wrap">{webhook.last_error}</span> : null}
    </div>
  );
}
