/** Ratios of two types of events that a gate watches: who reported the first, of those that reported either. */

import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Form } from "antd";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { Choice } from "../../design/Choice";
import { useText } from "../../i18n";
import { useEventNames } from "../insight/eventName";

const MOST = 4;

export function RatioFields({ n }: { n: number }) {
  const { say } = useText();
  const { may } = useSession();
  const { label: eventLabel } = useEventNames();
  const types = query.useQuery("get", "/insight/event-types", {}, { enabled: may("insight:read") });
  const options = (types.data?.types ?? [])
    .filter(({ by_version }) => by_version)
    .map(({ type }) => ({ value: type, label: eventLabel(type) }));
  return (
    <Form.List name={[n, "gate", "ratios"]}>
      {(fields, { add, remove }) => (
        <div className="stack tight" style={{ marginBottom: 18 }}>
          {fields.map((field, at) => (
            <fieldset key={field.key} className="plain plan-line" aria-label={say("plan.ratioNth", { n: at + 1 })}>
              <Form.Item name={[field.name, "failed"]} label={say("plan.ratioFailed")} rules={[{ required: true }]}>
                <Choice<string>
                  placeholder={say("rules.choose")}
                  options={options}
                  loading={types.isLoading}
                  popupMatchSelectWidth={false}
                />
              </Form.Item>
              <Form.Item name={[field.name, "of"]} label={say("plan.ratioOf")} rules={[{ required: true }]}>
                <Choice<string>
                  placeholder={say("rules.choose")}
                  options={options}
                  loading={types.isLoading}
                  popupMatchSelectWidth={false}
                />
              </Form.Item>
              <Button
                type="text"
                icon={<DeleteOutlined />}
                aria-label={say("plan.ratioRemove")}
                title={say("plan.ratioRemove")}
                onClick={() => remove(at)}
              />
            </fieldset>
          ))}
          {fields.length < MOST ? (
            <div>
              <Button size="small" icon={<PlusOutlined />} onClick={() => add({})}>
                {say("plan.ratioAdd")}
              </Button>
              <p className="small muted" style={{ margin: "6px 0 0" }}>
                {say("plan.ratioAddHint")}
              </p>
            </div>
          ) : null}
        </div>
      )}
    </Form.List>
  );
}
