/** A rule built from parts, or written as JSON; a form's value. What is no JSON yet is `BROKEN`, and no form sends it. */

import { Input, Segmented } from "antd";
import { useState } from "react";
import { useText } from "../i18n";
import { AudienceField, type Field } from "./AudienceField";
import type { Wrong } from "./RuleEditor";
import { EVERYBODY, type Rule } from "./rules";

export const BROKEN: Rule = { json: "broken" };

/** Returns the rule of a text, or `BROKEN`. Pure. */
export function ruleIn(text: string): Rule {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as Rule) : BROKEN;
  } catch {
    return BROKEN;
  }
}

export function RuleOrJson(
  props: Field & { label: string; value?: Rule; onChange?: (rule: Rule) => void; wrong?: Wrong },
) {
  const { say } = useText();
  const { label, value = EVERYBODY, onChange, wrong, ...field } = props;
  const [view, setView] = useState<"builder" | "json">("builder");
  const [text, setText] = useState("");
  const show = (next: "builder" | "json") => {
    if (next === "json") setText(JSON.stringify(value, null, 2));
    setView(next);
  };
  return (
    <div className="stack tight">
      <Segmented
        aria-label={say("audiences.ruleView")}
        value={view}
        onChange={show}
        disabled={value === BROKEN}
        options={[
          { value: "builder", label: say("audiences.ruleBuilder") },
          { value: "json", label: say("audiences.ruleJson") },
        ]}
        style={{ alignSelf: "start" }}
      />
      {view === "builder" ? (
        <AudienceField
          {...field}
          label={label}
          value={value}
          onChange={(rule) => onChange?.(rule)}
          wrong={wrong ?? null}
        />
      ) : (
        <Input.TextArea
          {...field}
          aria-label={label}
          className="mono"
          spellCheck={false}
          autoSize={{ minRows: 8, maxRows: 24 }}
          value={text}
          onChange={({ target }) => {
            setText(target.value);
            onChange?.(ruleIn(target.value));
          }}
        />
      )}
    </div>
  );
}
