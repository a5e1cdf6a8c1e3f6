/** For whom a release is: tiers to tick, or a rule; a form's value. */

import { Radio } from "antd";
import { useState } from "react";
import { TIERS } from "../../api/types";
import { Checks } from "../../design/Checks";
import { useText } from "../../i18n";
import { useEstimate } from "./Estimate";
import { RuleEditor, type Wrong } from "./RuleEditor";
import { EVERYBODY, groupOf, missingIn, type Rule, ruleOf, tiersOf, written } from "./rules";

type Field = { id?: string; "aria-invalid"?: "true"; "aria-describedby"?: string };

export function AudienceField(props: Field & { value?: Rule; onChange?: (rule: Rule) => void; wrong?: Wrong }) {
  const { say } = useText();
  const { value = EVERYBODY, onChange, wrong, ...field } = props;
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
          label={say("releases.audience")}
          value={value}
          onChange={(rule) => onChange?.(rule)}
          wrong={wrong ?? missing ?? found.wrong}
        />
      ) : (
        <Checks
          {...field}
          label={say("releases.audience")}
          value={tiersOf(value) ?? []}
          onChange={(tiers) => onChange?.(ruleOf(tiers))}
          options={TIERS.map((tier) => ({ value: tier, label: say(`tiers.${tier}`) }))}
        />
      )}
    </div>
  );
}

/** Whether a stage is only for some of them, for testers say; a form's value. */
export function OnlySome(
  props: Field & { value?: Rule | null; onChange?: (rule: Rule | null) => void; wrong?: Wrong },
) {
  const { say } = useText();
  const { value, onChange, wrong, ...field } = props;
  const found = useEstimate(value ?? EVERYBODY);
  const missing = useMissing(field, value);
  return (
    <div className="stack tight">
      <Radio.Group
        {...field}
        value={value != null}
        onChange={({ target }) => onChange?.(target.value ? TESTERS : null)}
        options={[
          { value: false, label: say("plan.ofAll") },
          { value: true, label: say("plan.onlySome") },
        ]}
      />
      {value ? (
        <RuleEditor
          label={say("plan.onlySome")}
          value={value}
          onChange={(rule) => onChange?.(rule)}
          wrong={wrong ?? missing ?? found.wrong}
        />
      ) : null}
    </div>
  );
}

/** Returns the place of a refused rule that is still to be filled in. */
function useMissing(field: Field, value: Rule | null | undefined): Wrong {
  const { say } = useText();
  const at = field["aria-invalid"] && value ? missingIn(value) : null;
  return at === null ? null : { at, sentence: say("rules.fillIn") };
}

/** What testers begin as: whoever has a tag that is still to be chosen. */
export const TESTERS: Rule = { all: [{ attr: "tag", op: "in", values: [] }] };
