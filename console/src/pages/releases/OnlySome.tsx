/** Whether a stage is only for some of the release's audience, and for which; a form's value. */

import { Radio } from "antd";
import { useText } from "../../i18n";
import { type Field, useMissing } from "../../rules/AudienceField";
import { useEstimate } from "../../rules/Estimate";
import { RuleEditor, type Wrong } from "../../rules/RuleEditor";
import { EVERYBODY, type Rule } from "../../rules/rules";

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

/** What testers begin as: whoever has a tag that is still to be chosen. */
export const TESTERS: Rule = { all: [{ attr: "tag", op: "in", values: [] }] };
