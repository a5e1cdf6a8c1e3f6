/** To how many customers a release goes at most, and until when anybody new gets it. */

import { Checkbox, Form, type FormInstance, InputNumber } from "antd";
import { Moment } from "../../design/Moment";
import { useText } from "../../i18n";
import type { Values } from "./plan";
import { ownZone } from "./ScheduleFields";

const MOST = 100_000;

export function CapFields({ form }: { form: FormInstance<Values> }) {
  const { say } = useText();
  const isOn = Form.useWatch(["cap", "on"], form);
  return (
    <>
      <Form.Item name={["cap", "on"]} valuePropName="checked" extra={say("plan.capHint")}>
        <Checkbox>{say("plan.cap")}</Checkbox>
      </Form.Item>
      {isOn ? (
        <div className="plan-gate plan-line">
          <Form.Item name={["cap", "customers"]} label={say("plan.capCustomers")} rules={[{ required: true }]}>
            <InputNumber<number> min={1} max={MOST} precision={0} />
          </Form.Item>
          <Form.Item name={["cap", "until_ms"]} label={say("plan.capUntil")} extra={ownZone()}>
            <Moment />
          </Form.Item>
        </div>
      ) : null}
    </>
  );
}
