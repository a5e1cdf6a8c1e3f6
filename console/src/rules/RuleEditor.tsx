/** A rule as a tree that people build: groups of which all, any or none hold, and conditions on what is known. */

import { CloseOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Form, Select } from "antd";
import { useState } from "react";
import { Loading } from "../design/States";
import { useText } from "../i18n";
import { RuleValues } from "./RuleValues";
import { type Forms, type Form as Op, useRuleForms } from "./ruleForms";
import {
  type Condition,
  type Group,
  groupOf,
  isGroup,
  type Kind,
  type Node,
  newKey,
  placeIn,
  type Rule,
  written,
} from "./rules";
import { useRuleWords } from "./ruleWords";

const DEEPEST = 8;

/** What is wrong with a rule, and where: `rule.all[0].values[1]`. */
export type Wrong = { at: string; sentence: string } | null;

export function RuleEditor(props: { label: string; value: Rule; onChange: (rule: Rule) => void; wrong?: Wrong }) {
  const { say } = useText();
  const { forms } = useRuleForms();
  const [root, setRoot] = useState<Group>(() => groupOf(props.value));
  if (!forms) return <Loading lines={2} />;
  const change = (next: Group) => {
    setRoot(next);
    props.onChange(written(next));
  };
  return (
    // An item of its own: what is wrong with the whole does not colour every part of it.
    <Form.Item style={{ marginBottom: 0 }}>
      <fieldset className="rule" aria-label={props.label}>
        <GroupEditor
          group={root}
          at="rule"
          depth={1}
          forms={forms}
          wrong={props.wrong ?? null}
          onChange={change}
          name={say("rules.group")}
        />
      </fieldset>
    </Form.Item>
  );
}

type Shared = { at: string; depth: number; forms: Forms; wrong: Wrong; name: string; onRemove?: () => void };

function GroupEditor(props: Shared & { group: Group; onChange: (group: Group) => void }) {
  const { say } = useText();
  const { group, at, depth, forms, wrong, onChange, name } = props;
  const put = (n: number, next: Node | null) =>
    onChange({ ...group, parts: group.parts.flatMap((part, m) => (m === n ? (next ? [next] : []) : [part])) });
  const add = (part: Node) => onChange({ ...group, parts: [...group.parts, part] });
  const isHere = wrong?.at === at;
  return (
    <div className={isHere ? "rule-group wrong" : "rule-group"}>
      <div className="row rule-head">
        <Select<Kind>
          aria-label={name}
          value={group.kind}
          onChange={(kind) => onChange({ ...group, kind })}
          options={(["all", "any", "none"] as const).map((kind) => ({ value: kind, label: say(`rules.${kind}`) }))}
          popupMatchSelectWidth={false}
        />
        {props.onRemove ? <RemoveButton label={say("rules.removeGroup")} onClick={props.onRemove} /> : null}
      </div>
      {isHere ? (
        <div className="rule-wrong" role="alert">
          {wrong.sentence}
        </div>
      ) : null}
      <div className="rule-parts">
        {group.parts.map((part, n) => {
          const shared = {
            at: placeIn(group, at, n),
            depth: depth + (group.kind === "none" ? 2 : 1),
            forms,
            wrong,
            name: say("rules.nth", { n: n + 1 }),
            onRemove: () => put(n, null),
          };
          return isGroup(part) ? (
            <GroupEditor key={part.key} {...shared} group={part} onChange={(next) => put(n, next)} />
          ) : (
            <ConditionEditor key={part.key} {...shared} condition={part} onChange={(next) => put(n, next)} />
          );
        })}
        <div className="row">
          <Button size="small" icon={<PlusOutlined />} onClick={() => add(firstCondition())}>
            {say("rules.addCondition")}
          </Button>
          {depth < DEEPEST ? (
            <Button
              size="small"
              icon={<PlusOutlined />}
              onClick={() => add({ key: newKey(), kind: "any", parts: [firstCondition()] })}
            >
              {say("rules.addGroup")}
            </Button>
          ) : null}
        </div>
      </div>
    </div>
  );
}

function ConditionEditor(props: Shared & { condition: Condition; onChange: (condition: Condition) => void }) {
  const { say } = useText();
  const words = useRuleWords();
  const { condition, at, forms, wrong, onChange, name } = props;
  const ops = forms.get(condition.attr) ?? [];
  const form = ops.find((one) => one.op === condition.op);
  const here = wrong?.at.startsWith(at) ? wrong : null;
  const id = `wrong-${condition.key}`;
  const turn = (attr: string, op: string) => {
    const next = forms.get(attr)?.find((one) => one.op === op);
    const keeps = next && form && attr === condition.attr && next.kind === form.kind;
    onChange({ ...condition, attr, op, values: keeps ? condition.values.slice(0, next.most) : [] });
  };
  return (
    <fieldset className={here ? "rule-condition wrong" : "rule-condition"} aria-label={name}>
      <Select
        aria-label={say("rules.attribute")}
        showSearch={{ optionFilterProp: "label" }}
        value={condition.attr}
        onChange={(attr) => turn(attr, forms.get(attr)?.[0]?.op ?? "in")}
        options={[...forms.keys()].map((attr) => ({ value: attr, label: words.attribute(attr) }))}
        popupMatchSelectWidth={false}
      />
      <Select
        aria-label={say("rules.operator")}
        showSearch={{ optionFilterProp: "label" }}
        value={condition.op}
        onChange={(op) => turn(condition.attr, op)}
        options={ops.map(({ op }: Op) => ({ value: op, label: words.op(condition.attr, op) }))}
        popupMatchSelectWidth={false}
      />
      <div className="rule-values">
        {form ? (
          <RuleValues
            key={`${condition.attr} ${condition.op}`}
            attr={condition.attr}
            form={form}
            values={condition.values}
            onChange={(values) => onChange({ ...condition, values })}
            {...(here ? { describedBy: id } : {})}
          />
        ) : null}
      </div>
      {props.onRemove ? <RemoveButton label={say("rules.removeCondition")} onClick={props.onRemove} /> : null}
      {here ? (
        <div className="rule-wrong" id={id} role="alert">
          {here.sentence}
        </div>
      ) : null}
    </fieldset>
  );
}

function RemoveButton({ label, onClick }: { label: string; onClick: () => void }) {
  return <Button type="text" icon={<CloseOutlined />} aria-label={label} title={label} onClick={onClick} />;
}

function firstCondition(): Condition {
  return { key: newKey(), attr: "tier", op: "in", values: [] };
}
