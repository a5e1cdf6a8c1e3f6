/** How often devices ask what they should have. */

import { App, Form, InputNumber } from "antd";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Panel } from "../../design/Blocks";
import { ProblemForm } from "../../design/ProblemForm";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";

export function useCheckSeconds() {
  const { may } = useSession();
  return query.useQuery("get", "/sync/policy", {}, { enabled: may("release:read", {}) });
}

export function CheckSeconds({ of: found }: { of: ReturnType<typeof useCheckSeconds> }) {
  const { say } = useText();
  const { may } = useSession();
  const { message } = App.useApp();
  const act = useAct();
  const put = query.useMutation("put", "/sync/policy");
  if (!may("release:read", {})) return null;
  return (
    <Panel title={say("policy.checks")}>
      <Fetch of={found} lines={2}>
        {({ sync_check_seconds, least, most }) =>
          may("release:policy", {}) ? (
            <ProblemForm<{ sync_check_seconds: number }>
              key={sync_check_seconds}
              submit={say("policy.saveChecks")}
              doneText=""
              initial={{ sync_check_seconds }}
              onSubmit={async (body) => {
                await act(() => put.mutateAsync({ body }));
                message.success(say("common.saved"));
              }}
            >
              <Form.Item
                name="sync_check_seconds"
                label={say("policy.checkSeconds")}
                extra={say("policy.checkHint")}
                rules={[{ required: true }]}
              >
                <InputNumber min={least} max={most} precision={0} />
              </Form.Item>
            </ProblemForm>
          ) : (
            <Facts one items={[{ label: say("policy.checkSeconds"), value: sync_check_seconds }]} />
          )
        }
      </Fetch>
    </Panel>
  );
}
