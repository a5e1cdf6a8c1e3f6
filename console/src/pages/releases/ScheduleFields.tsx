/** When a release may start and move on, and the freezes that hold it back anyway. */

import { Checkbox, Form, type FormInstance } from "antd";
import { Link } from "react-router";
import { query } from "../../api/client";
import { Note } from "../../design/Blocks";
import { Checks } from "../../design/Checks";
import { Choice } from "../../design/Choice";
import { Clock } from "../../design/Clock";
import { Moment } from "../../design/Moment";
import { shortTime } from "../../design/time";
import { useText } from "../../i18n";
import { DAYS, type Values } from "./plan";

export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "Asia/Shanghai";
const ZONES = [...new Set([ownZone(), "Asia/Shanghai", "UTC", ...Intl.supportedValuesOf("timeZone")])];

export function ScheduleFields({ form }: { form: FormInstance<Values> }) {
  const { say } = useText();
  const hasHours = Form.useWatch(["schedule", "hours", "on"], form);
  return (
    <>
      <Freezes />
      <div className="plan-line">
        <Form.Item name={["schedule", "not_before_ms"]} label={say("plan.notBefore")} extra={ownZone()}>
          <Moment />
        </Form.Item>
        <Form.Item name={["schedule", "not_after_ms"]} label={say("plan.notAfter")} extra={say("plan.notAfterHint")}>
          <Moment />
        </Form.Item>
      </div>
      <Form.Item name={["schedule", "hours", "on"]} valuePropName="checked" extra={say("plan.workingHint")}>
        <Checkbox>{say("plan.working")}</Checkbox>
      </Form.Item>
      {hasHours ? (
        <div className="plan-gate">
          <Form.Item name={["schedule", "hours", "days"]} label={say("plan.weekdays")} rules={[{ required: true }]}>
            <Checks
              label={say("plan.weekdays")}
              options={DAYS.map((day) => ({ value: String(day), label: say(`plan.day_${day}`) }))}
            />
          </Form.Item>
          <div className="plan-line">
            <Form.Item
              name={["schedule", "hours", "from_minute"]}
              label={say("rules.from")}
              rules={[{ required: true }]}
            >
              <Clock />
            </Form.Item>
            <Form.Item
              name={["schedule", "hours", "until_minute"]}
              label={say("rules.until")}
              rules={[{ required: true }]}
            >
              <Clock isEnd />
            </Form.Item>
            <Form.Item name={["schedule", "hours", "zone"]} label={say("plan.zone")} rules={[{ required: true }]}>
              <Choice<string> options={ZONES.map((zone) => ({ value: zone, label: zone }))} />
            </Form.Item>
          </div>
        </div>
      ) : null}
    </>
  );
}

/** What the calendar holds back. */
export function Freezes() {
  const { say, language } = useText();
  const found = query.useQuery("get", "/freezes", { params: { query: { limit: 5 } } });
  if (!found.data || found.data.items.length === 0) return null;
  return (
    <div style={{ marginBottom: 18 }}>
      <Note tone="warn">
        {say("releases.freezesAhead")}
        <ul style={{ margin: "4px 0 4px 18px" }}>
          {found.data.items.map((freeze) => (
            <li key={freeze.id}>
              {shortTime(freeze.from_ms, language)} – {shortTime(freeze.until_ms, language)} · {freeze.reason}
            </li>
          ))}
        </ul>
        <Link to="/releases/freezes">{say("releases.freezes")}</Link>
      </Note>
    </div>
  );
}
