/** The plan of a release: one of those that are offered, or stages of one's own. */

import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Checkbox, Form, type FormInstance, Input, InputNumber, Radio } from "antd";
import { useState } from "react";
import { Note } from "../../design/Blocks";
import { Checks } from "../../design/Checks";
import { useText } from "../../i18n";
import { useEstimate, useReachWords } from "../../rules/Estimate";
import type { Wrong } from "../../rules/RuleEditor";
import { missingIn, type Rule } from "../../rules/rules";
import { isWatched } from "./kinds";
import { OnlySome, TESTERS } from "./OnlySome";
import { newStage, type Preset, presetStages, SIGNALS, type StageValues, type Values } from "./plan";
import { RatioFields } from "./RatioFields";

const PRESETS = ["everybody", "testers", "steps", "own"] as const;
const MOST = 12;

export function StagesFields(props: {
  form: FormInstance<Values>;
  audience: Rule;
  preset: Preset;
  onPreset: (preset: Preset) => void;
  wrongAt: (stage: number) => Wrong;
}) {
  const { say } = useText();
  const { form, preset, onPreset } = props;
  const words = { everybody: say("plan.everybody"), testers: say("plan.testers") };
  const kind = Form.useWatch("kind", form);
  return (
    <div className="stack">
      {isWatched({ kind }) ? null : <Note>{say("releases.noGate")}</Note>}
      <fieldset className="plain" aria-label={say("plan.preset")}>
        <Radio.Group
          className="presets"
          value={preset}
          onChange={({ target }) => {
            const next = target.value as Preset;
            onPreset(next);
            if (next !== "own") form.setFieldValue("stages", presetStages(next, words, TESTERS));
          }}
        >
          {PRESETS.map((name) => (
            <Radio key={name} value={name}>
              <span className="strong">{say(`plan.preset_${name}`)}</span>
              <span className="small muted block">
                {say(name === "steps" && !isWatched({ kind }) ? "releases.stepsNoGate" : `plan.presetHint_${name}`)}
              </span>
            </Radio>
          ))}
        </Radio.Group>
      </fieldset>
      <Form.List name="stages">
        {(fields, { add, remove, move }) => (
          <ol className="plan-stages">
            {fields.map((field, n) => (
              <li key={field.key}>
                <fieldset className="plan-stage" aria-label={say("plan.nth", { n: n + 1 })}>
                  <div className="row between">
                    <h3>{say("plan.nth", { n: n + 1 })}</h3>
                    <div className="row">
                      <StepButton
                        label={say("plan.earlier")}
                        icon={<ArrowUpOutlined />}
                        isOff={n === 0}
                        onClick={() => move(n, n - 1)}
                      />
                      <StepButton
                        label={say("plan.later")}
                        icon={<ArrowDownOutlined />}
                        isOff={n + 1 === fields.length}
                        onClick={() => move(n, n + 1)}
                      />
                      <StepButton
                        label={say("plan.remove")}
                        icon={<DeleteOutlined />}
                        isOff={fields.length === 1}
                        onClick={() => remove(n)}
                      />
                    </div>
                  </div>
                  <StageFields {...props} n={n} isLast={n + 1 === fields.length} />
                </fieldset>
              </li>
            ))}
            <li>
              <Button
                icon={<PlusOutlined />}
                disabled={fields.length >= MOST}
                onClick={() => {
                  onPreset("own");
                  add(newStage(say("plan.nth", { n: fields.length + 1 }), 10_000));
                }}
              >
                {say("plan.add")}
              </Button>
            </li>
          </ol>
        )}
      </Form.List>
    </div>
  );
}

function StepButton(props: { label: string; icon: React.ReactNode; isOff: boolean; onClick: () => void }) {
  const { label, icon, isOff, onClick } = props;
  return <Button type="text" icon={icon} aria-label={label} title={label} disabled={isOff} onClick={onClick} />;
}

const HUNDREDTHS = {
  getValueProps: (value?: number | null) => ({ value: typeof value === "number" ? value / 100 : null }),
  normalize: (value?: number | null) => (typeof value === "number" ? Math.round(value * 100) : null),
};

function StageFields(props: {
  form: FormInstance<Values>;
  n: number;
  isLast: boolean;
  audience: Rule;
  wrongAt: (stage: number) => Wrong;
}) {
  const { say } = useText();
  const { form, n, isLast, wrongAt } = props;
  const stage = Form.useWatch(["stages", n], form);
  const first = Form.useWatch(["stages", 0, "gate"], form);
  const [isOpened, setOpened] = useState(false);
  // A gate like the first is folded; its fields stay in the form.
  const isFolded = n > 0 && !isOpened && JSON.stringify(gateOf(stage?.gate)) === JSON.stringify(gateOf(first));
  const kind = Form.useWatch("kind", form);
  const share = stage?.basis_points ?? 0;
  return (
    <>
      <div className="plan-line">
        <Form.Item name={[n, "name"]} label={say("common.name")} rules={[{ required: true, whitespace: true }]}>
          <Input maxLength={60} />
        </Form.Item>
        <Form.Item name={[n, "basis_points"]} label={say("plan.share")} rules={[{ required: true }]} {...HUNDREDTHS}>
          <InputNumber<number> min={0.01} max={100} precision={2} suffix="%" />
        </Form.Item>
        <Form.Item name={[n, "min_minutes"]} label={say("plan.least")} rules={[{ required: true }]}>
          <InputNumber<number> min={0} max={86_400} precision={0} suffix={say("plan.minutesUnit")} />
        </Form.Item>
      </div>
      <Reaches audience={props.audience} only={stage?.audience ?? null} share={share} />
      <Form.Item
        name={[n, "audience"]}
        label={say("plan.whom")}
        required
        validateTrigger={[]}
        rules={[
          {
            validator: (_, rule) =>
              rule && missingIn(rule) ? Promise.reject(say("rules.incomplete")) : Promise.resolve(),
          },
        ]}
      >
        <OnlySome
          wrong={wrongAt(n)}
          onChange={() => form.setFields([{ name: ["stages", n, "audience"], errors: [] }])}
        />
      </Form.Item>
      {isLast ? null : (
        <Form.Item name={[n, "advance"]} label={say("plan.advance")} required>
          <Radio.Group
            options={[
              { value: "auto", label: say("plan.auto") },
              { value: "person", label: say("plan.person") },
            ]}
          />
        </Form.Item>
      )}
      <Form.Item
        name={[n, "gate", "on"]}
        valuePropName="checked"
        extra={n === 0 ? say("plan.gateHint") : undefined}
        hidden={!isWatched({ kind })}
      >
        <Checkbox>{say("plan.gate")}</Checkbox>
      </Form.Item>
      {stage?.gate?.on && isWatched({ kind }) ? (
        <>
          {isFolded ? (
            <div className="row small muted">
              {say("plan.gateAsFirst")}
              <Button type="link" size="small" aria-expanded={false} onClick={() => setOpened(true)}>
                {say("plan.gateOpen")}
              </Button>
            </div>
          ) : null}
          <div className="plan-gate" hidden={isFolded}>
            <Form.Item
              name={[n, "gate", "signals"]}
              label={say("plan.signals")}
              required
              dependencies={[["stages", n, "gate", "ratios"]]}
              rules={[
                {
                  validator: (_, chosen: string[]) =>
                    chosen.length + (stage.gate.ratios ?? []).length > 0
                      ? Promise.resolve()
                      : Promise.reject(say("plan.signalsNone")),
                },
              ]}
            >
              <Checks
                label={say("plan.signals")}
                options={SIGNALS.map((signal) => ({ value: signal, label: say(`plan.signal_${signal}`) }))}
              />
            </Form.Item>
            <RatioFields n={n} />
            <div className="plan-line">
              <Form.Item
                name={[n, "gate", "ratio_percent"]}
                label={say("plan.ratio")}
                extra={say("plan.ratioHint")}
                rules={[{ required: true }]}
                {...HUNDREDTHS}
              >
                <InputNumber<number> min={1.1} max={10} step={0.1} precision={2} suffix={say("plan.timesUnit")} />
              </Form.Item>
              <Form.Item
                name={[n, "gate", "most_basis_points"]}
                label={say("plan.most")}
                extra={say("plan.mostHint")}
                {...HUNDREDTHS}
              >
                <InputNumber<number> min={0.1} max={50} precision={2} suffix="%" />
              </Form.Item>
            </div>
          </div>
        </>
      ) : null}
    </>
  );
}

/** Returns what of a gate is compared with another's. */
const gateOf = (gate: Partial<StageValues["gate"]> | undefined) => [
  gate?.on,
  gate?.signals?.toSorted(),
  gate?.ratios ?? [],
  gate?.ratio_percent,
  gate?.most_basis_points ?? null,
];

/** How many devices a stage reaches, as far as the estimate knows. */
function Reaches({ audience, only, share }: { audience: Rule; only: Rule | null; share: number }) {
  const { say } = useText();
  const words = useReachWords();
  const { reach } = useEstimate(only ? { all: [audience, only] } : audience);
  // The line is kept free while the estimate is asked for: what came late would push the fields down.
  const text = reach ? say("plan.reaches", { n: words(reach.devices, share / 10_000) }) : "\u00a0";
  return <p className="small muted plan-reach">{text}</p>;
}
