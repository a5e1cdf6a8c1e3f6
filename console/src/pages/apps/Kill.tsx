/** Forbids a version on every device: what kind of reason customers are told, and what happened for the audit. */

import { StopOutlined } from "@ant-design/icons";
import { Form, Radio } from "antd";
import { query } from "../../api/client";
import type { VersionDetail } from "../../api/types";
import { useAct } from "../../app/useAct";
import { ConfirmAction } from "../../design/ConfirmAction";
import { useText } from "../../i18n";

const REASONS = ["security", "privacy", "defect", "legal", "withdrawn"] as const;
type Reason = (typeof REASONS)[number];

export function Kill({ version, name }: { version: VersionDetail; name: string }) {
  const { say } = useText();
  const act = useAct();
  const kill = query.useMutation("post", "/kills");
  const { app, kind, sequence } = version;
  return (
    <ConfirmAction
      label={say("apps.kill")}
      danger
      icon={<StopOutlined />}
      title={say("apps.killTitle", { app: name, version: version.version })}
      what={say("apps.killWhat")}
      reason="required"
      reasonLabel={say("apps.killCause")}
      reasonField="cause"
      done={say("apps.killed")}
      initial={{ reason: "security" }}
      onConfirm={(cause, values) =>
        act(() => kill.mutateAsync({ body: { kind, id: app, sequence, reason: values.reason as Reason, cause } }))
      }
    >
      <Form.Item name="reason" label={say("apps.killReason")} rules={[{ required: true }]}>
        <Radio.Group vertical options={REASONS.map((value) => ({ value, label: say(`apps.kill_${value}`) }))} />
      </Form.Item>
    </ConfirmAction>
  );
}
