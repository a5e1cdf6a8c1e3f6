/** For whom something is: tiers to tick, or a rule; a form's value. */

import { Radio } from "antd";
import { useState } from "react";
import { TIERS } from "../api/types";
import { Checks } from "../design/Checks";
import { useText } from "../i18n";
import { useEstimate } from "./Estimate";
import { RuleEditor, type Wrong } from "./RuleEditor";
import { EVERYBODY, groupOf, missingIn, type Rule, ruleOf, tiersOf, written } from "./rules";

export type Field = { id?: string; "aria-invalid"?: "true"; "aria-describedby"?: string };

export function AudienceField(
  props: Field & { label?: string; value?: Rule; onChange?: (rule: Rule) => void; wrong?: Wrong },
) {
  const { say } = useText();
  const { value = EVERYBODY, onChange, wrong, label = say("releases.audience"), ...field } = props;
  const [isRule, setRule] = useState(() => tiersOf(value) === null);
  const found = useEstimate(value);
  const missing = useMissing(field, value);
  return (
    <div className="stack tight">
      <Radio.Group
        aria-label={say("rules.how")}
        value={isRule}
        onChange={({ target }) => {
          setRule(target.value);
          onChange?.(target.value ? written(groupOf(value)) : ruleOf(tiersOf(value) ?? TIERS));
        }}
        options={[
          { value: false, label: say("rules.byTier") },
          { value: true, label: say("rules.byRule") },
        ]}
      />
      {isRule ? (
        <RuleEditor
          label={label}
          value={value}
          onChange={(rule) => onChange?.(rule)}
          wrong={wrong ?? missing ?? found.wrong}
        />
      ) : (
        <Checks
          {...field}
          label={label}
          value={tiersOf(value) ?? []}
          onChange={(tiers) => onChange?.(ruleOf(tiers))}
          options={TIERS.map((tier) => ({ value: tier, label: say(`tiers.${tier}`) }))}
        />
      )}
    </div>
  );
}

/** Returns the place of a refused rule that is still to be filled in. */
export function useMissing(field: Field, value: Rule | null | undefined): Wrong {
  const { say } = useText();
  const at = field["aria-invalid"] && value ? missingIn(value) : null;
  return at === null ? null : { at, sentence: say("rules.fillIn") };
}
