/** How long what devices report is kept. */

import { App, Form, InputNumber } from "antd";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Facts, Panel } from "../../design/Blocks";
import { ProblemForm } from "../../design/ProblemForm";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";

export function useKeepDays() {
  const { may } = useSession();
  return query.useQuery("get", "/insight/policy", {}, { enabled: may("insight:read") });
}

export function KeepDays({ of: found }: { of: ReturnType<typeof useKeepDays> }) {
  const { say } = useText();
  const { may } = useSession();
  const { message } = App.useApp();
  const act = useAct();
  const put = query.useMutation("put", "/insight/policy");
  if (!may("insight:read")) return null;
  return (
    <Panel title={say("insight.keep")}>
      <Fetch of={found} lines={2}>
        {({ event_keep_days, least, most, rolled_up_keep_days }) => (
          <>
            {may("insight:policy") ? (
              <ProblemForm<{ event_keep_days: number }>
                key={event_keep_days}
                submit={say("insight.keepSave")}
                doneText=""
                initial={{ event_keep_days }}
                onSubmit={async (body) => {
                  await act(() => put.mutateAsync({ body }));
                  message.success(say("common.saved"));
                }}
              >
                <Form.Item
                  name="event_keep_days"
                  label={say("insight.keepDays")}
                  extra={say("insight.keepHint", { n: rolled_up_keep_days })}
                  rules={[{ required: true }]}
                >
                  <InputNumber min={least} max={most} precision={0} />
                </Form.Item>
              </ProblemForm>
            ) : (
              <Facts one items={[{ label: say("insight.keepDays"), value: event_keep_days }]} />
            )}
          </>
        )}
      </Fetch>
    </Panel>
  );
}
