/** What a switch is: its key for ever, its title, its type, and whose place percentages go by. */

import { Form, type FormInstance, Input, Radio } from "antd";
import { useText } from "../../i18n";
import { firstVariants, KEY, TYPES, type Type, type Values } from "./definition";

export function WhatFields({ form, isNew }: { form: FormInstance<Values>; isNew: boolean }) {
  const { say } = useText();
  const turn = (type: Type) => {
    const variants = firstVariants(type);
    const names = new Set(variants.map((each) => each.name));
    const kept = type === "boolean" ? "off" : (variants[0]?.name ?? null);
    const rules = (form.getFieldValue("rules") as Values["rules"]) ?? [];
    const still = (name: string | null) => (name !== null && names.has(name) ? name : null);
    form.setFieldsValue({
      variants,
      default: kept,
      rules: rules.map((rule) => ({
        ...rule,
        variant: still(rule.variant),
        split: rule.split.map((each) => ({ ...each, variant: still(each.variant) })),
      })),
    } as never);
  };
  return (
    <>
      <div className="plan-line">
        <Form.Item
          name="key"
          label={say("switches.key")}
          extra={isNew ? say("switches.keyHint") : undefined}
          rules={[{ required: true }, { pattern: KEY, message: say("switches.keyForm") }]}
        >
          <Input className="mono" maxLength={100} disabled={!isNew} autoComplete="off" spellCheck={false} />
        </Form.Item>
        <Form.Item name="title" label={say("switches.titleLabel")} extra={say("switches.titleHint")}>
          <Input maxLength={2000} />
        </Form.Item>
      </div>
      <Form.Item name="type" label={say("switches.type")} rules={[{ required: true }]}>
        <Radio.Group className="presets three" onChange={({ target }) => turn(target.value)}>
          {TYPES.map((type) => (
            <Radio key={type} value={type}>
              <span className="strong">{say(`switches.type_${type}`)}</span>
              <span className="small muted block">{say(`switches.typeHint_${type}`)}</span>
            </Radio>
          ))}
        </Radio.Group>
      </Form.Item>
      <Form.Item name="by" label={say("switches.by")} extra={say("switches.byHint")} rules={[{ required: true }]}>
        <Radio.Group
          options={(["device", "customer"] as const).map((value) => ({ value, label: say(`switches.by_${value}`) }))}
        />
      </Form.Item>
      <Form.Item name="apps" label={say("switches.apps")} extra={say("switches.appsHint")}>
        <Input className="mono" spellCheck={false} autoComplete="off" />
      </Form.Item>
    </>
  );
}
