/** The rules of a switch: for whom, and which variant they get, or in which parts they are divided. */

import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Form, type FormInstance, InputNumber, Radio, Select } from "antd";
import { useText } from "../../i18n";
import { AudienceField } from "../../rules/AudienceField";
import { useEstimate, useReachWords } from "../../rules/Estimate";
import type { Wrong } from "../../rules/RuleEditor";
import type { Rule } from "../../rules/rules";
import { percent } from "../../rules/ruleWords";
import { isWhole, newRule, PLACES, placesOf, type RuleValues, type Values } from "./definition";
import { useNames } from "./VariantsFields";

const MOST = 50;
type Shared = { form: FormInstance<Values>; wrongAt: (n: number) => Wrong };

export function RulesFields({ form, wrongAt }: Shared) {
  const { say } = useText();
  const names = useNames(form);
  return (
    <Form.List name="rules">
      {(fields, { add, remove, move }) => (
        <ol className="plan-stages">
          {fields.length === 0 ? <li className="muted">{say("switches.rulesNone")}</li> : null}
          {fields.map((field, n) => (
            <li key={field.key}>
              <fieldset className="plan-stage" aria-label={say("switches.ruleNth", { n: n + 1 })}>
                <div className="row between">
                  <h3>{say("switches.ruleNth", { n: n + 1 })}</h3>
                  <div className="row">
                    <Step label={say("plan.earlier")} isOff={n === 0} onClick={() => move(n, n - 1)}>
                      <ArrowUpOutlined />
                    </Step>
                    <Step label={say("plan.later")} isOff={n + 1 === fields.length} onClick={() => move(n, n + 1)}>
                      <ArrowDownOutlined />
                    </Step>
                    <Step label={say("common.remove")} isOff={false} onClick={() => remove(n)}>
                      <DeleteOutlined />
                    </Step>
                  </div>
                </div>
                <RuleFields form={form} n={n} wrong={wrongAt(n)} />
              </fieldset>
            </li>
          ))}
          <li>
            <Button
              icon={<PlusOutlined />}
              disabled={fields.length >= MOST}
              onClick={() => add(newRule(names.find((name) => name !== form.getFieldValue("default")) ?? null))}
            >
              {say("switches.addRule")}
            </Button>
          </li>
        </ol>
      )}
    </Form.List>
  );
}

function Step(props: { label: string; isOff: boolean; onClick: () => void; children: React.ReactNode }) {
  const { label, isOff, onClick, children } = props;
  return <Button type="text" icon={children} aria-label={label} title={label} disabled={isOff} onClick={onClick} />;
}

function RuleFields({ form, n, wrong }: { form: FormInstance<Values>; n: number; wrong: Wrong }) {
  const { say } = useText();
  const names = useNames(form);
  const rule = Form.useWatch(["rules", n], form) as RuleValues | undefined;
  const options = names.map((name) => ({ value: name, label: name }));
  const isKnown = async (_: unknown, name: string | null) => {
    if (name && !names.includes(name)) throw new Error(say("problems.not_one_of"));
  };
  return (
    <>
      <Form.Item
        name={[n, "audience"]}
        label={say("switches.ruleWho")}
        required
        validateTrigger={[]}
        rules={[
          {
            validator: async (_, found: Rule) => (isWhole(found) ? undefined : Promise.reject(say("rules.incomplete"))),
          },
        ]}
      >
        <AudienceField
          label={say("switches.ruleWho")}
          wrong={wrong}
          onChange={() => form.setFields([{ name: ["rules", n, "audience"], errors: [] }])}
        />
      </Form.Item>
      {rule?.audience ? <Reaches rule={rule.audience} /> : null}
      <Form.Item name={[n, "gives"]} label={say("switches.ruleGets")} required>
        <Radio.Group
          options={[
            { value: "one", label: say("switches.getsOne") },
            { value: "split", label: say("switches.getsSplit") },
          ]}
        />
      </Form.Item>
      {rule?.gives === "split" ? (
        <SplitFields n={n} split={rule.split ?? []} options={options} isKnown={isKnown} />
      ) : (
        <Form.Item
          name={[n, "variant"]}
          label={say("switches.variant")}
          rules={[{ required: true }, { validator: isKnown }]}
        >
          <Select options={options} style={{ maxWidth: 360 }} />
        </Form.Item>
      )}
    </>
  );
}

const HUNDREDTHS = {
  getValueProps: (value?: number | null) => ({ value: typeof value === "number" ? value / 100 : null }),
  normalize: (value?: number | null) => (typeof value === "number" ? Math.round(value * 100) : null),
};

function SplitFields(props: {
  n: number;
  split: RuleValues["split"];
  options: { value: string; label: string }[];
  isKnown: (_: unknown, name: string | null) => Promise<void>;
}) {
  const { say } = useText();
  const { n, split, options, isKnown } = props;
  const given = placesOf(split.filter(Boolean));
  return (
    <Form.List name={[n, "split"]}>
      {(fields, { add, remove }) => (
        <fieldset className="plain plan-gate" aria-label={say("switches.split")}>
          {fields.map((field, m) => (
            <div key={field.key} className="share-row">
              <Form.Item
                name={[m, "variant"]}
                label={say("switches.variant")}
                rules={[{ required: true }, { validator: isKnown }]}
              >
                <Select options={options} />
              </Form.Item>
              <Form.Item
                name={[m, "share"]}
                label={say("switches.share")}
                rules={[
                  { required: true },
                  { validator: async () => (given > PLACES ? Promise.reject(say("switches.splitOver")) : undefined) },
                ]}
                {...HUNDREDTHS}
              >
                <InputNumber<number> min={0} max={100} precision={2} suffix="%" />
              </Form.Item>
              <Button
                className="row-remove"
                type="text"
                icon={<DeleteOutlined />}
                aria-label={say("switches.removeShare")}
                title={say("switches.removeShare")}
                disabled={fields.length === 1}
                onClick={() => remove(m)}
              />
            </div>
          ))}
          <div className="row" style={{ marginBottom: 14 }}>
            <Button size="small" icon={<PlusOutlined />} onClick={() => add({ variant: null, share: 0 })}>
              {say("switches.addShare")}
            </Button>
            <span className={given > PLACES ? "small sign-bad" : "small muted"}>
              {given > PLACES
                ? say("switches.splitOver")
                : given < PLACES
                  ? say("switches.splitRest", { share: percent(PLACES - given) })
                  : ""}
            </span>
          </div>
        </fieldset>
      )}
    </Form.List>
  );
}

/** How many customers a rule reaches, as far as the estimate knows. */
function Reaches({ rule }: { rule: Rule }) {
  const { say } = useText();
  const words = useReachWords();
  const { reach } = useEstimate(rule);
  if (!reach) return null;
  return (
    <p className="small muted plan-reach">
      {say("switches.reaches", { customers: words(reach.customers), devices: words(reach.devices) })}
    </p>
  );
}
