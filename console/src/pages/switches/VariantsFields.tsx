/** The values that a switch can give, each under a name, and which of them is the default. */

import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Form, type FormInstance, Input, InputNumber, Radio, Select } from "antd";
import { useText } from "../../i18n";
import { NAME, objectIn, type Type, type Values } from "./definition";

const MOST = 50;

/** Returns the names that were given so far. */
export function useNames(form: FormInstance<Values>): string[] {
  const variants = Form.useWatch("variants", form) as Values["variants"] | undefined;
  return [...new Set((variants ?? []).map((each) => each?.name?.trim() ?? "").filter((name) => name !== ""))];
}

export function VariantsFields({ form }: { form: FormInstance<Values> }) {
  const { say } = useText();
  const type = (Form.useWatch("type", form) ?? "boolean") as Type;
  const names = useNames(form);
  return (
    <>
      <Form.List name="variants">
        {(fields, { add, remove }) => (
          <>
            {fields.map((field, n) => (
              <fieldset
                key={field.key}
                className="plain variant-row"
                aria-label={`${say("switches.variant")} ${n + 1}`}
              >
                <Form.Item
                  name={[n, "name"]}
                  label={say("switches.variantName")}
                  rules={[
                    { required: true },
                    { pattern: NAME, message: say("switches.nameForm") },
                    {
                      validator: async (_, name: string) => {
                        const all = (form.getFieldValue("variants") as Values["variants"]) ?? [];
                        if (name && all.filter((each) => each?.name === name).length > 1)
                          throw new Error(say("switches.nameTwice"));
                      },
                    },
                  ]}
                >
                  <Input className="mono" maxLength={64} autoComplete="off" spellCheck={false} />
                </Form.Item>
                <ValueField n={n} type={type} />
                <Button
                  className="row-remove"
                  type="text"
                  icon={<DeleteOutlined />}
                  aria-label={say("switches.removeVariant", { n: n + 1 })}
                  title={say("switches.removeVariant", { n: n + 1 })}
                  disabled={fields.length === 1}
                  onClick={() => remove(n)}
                />
              </fieldset>
            ))}
            <Button
              icon={<PlusOutlined />}
              disabled={fields.length >= MOST}
              onClick={() => add({ name: "", value: type === "boolean" ? false : type === "object" ? "{}" : null })}
              style={{ marginBottom: 18 }}
            >
              {say("switches.addVariant")}
            </Button>
          </>
        )}
      </Form.List>
      <Form.Item
        name="default"
        label={say("switches.default")}
        extra={say("switches.defaultHint")}
        rules={[{ required: true }]}
      >
        <Select options={names.map((name) => ({ value: name, label: name }))} style={{ maxWidth: 360 }} />
      </Form.Item>
    </>
  );
}

function ValueField({ n, type }: { n: number; type: Type }) {
  const { say } = useText();
  const label = say("switches.variantValue");
  if (type === "boolean")
    return (
      <Form.Item name={[n, "value"]} label={label} rules={[{ required: true }]}>
        <Radio.Group
          options={[
            { value: true, label: say("switches.yes") },
            { value: false, label: say("switches.no") },
          ]}
        />
      </Form.Item>
    );
  if (type === "string")
    return (
      // An empty text is a value too.
      <Form.Item name={[n, "value"]} label={label} required normalize={(text: string | null) => text ?? ""}>
        <Input.TextArea autoSize={{ minRows: 1, maxRows: 8 }} />
      </Form.Item>
    );
  if (type === "object")
    return (
      <Form.Item
        name={[n, "value"]}
        label={label}
        required
        rules={[
          {
            validator: async (_, text: string) => {
              if (objectIn(text ?? "") === null) throw new Error(say("switches.valueJson"));
            },
          },
        ]}
      >
        <Input.TextArea className="mono" autoSize={{ minRows: 2, maxRows: 14 }} spellCheck={false} />
      </Form.Item>
    );
  return (
    <Form.Item name={[n, "value"]} label={label} rules={[{ required: true }]}>
      <InputNumber<number> {...(type === "integer" ? { precision: 0 } : {})} />
    </Form.Item>
  );
}
