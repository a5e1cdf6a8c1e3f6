/** How clients take a release: on Wi-Fi alone, ahead of the rest, and which version must not open any more. */

import { Checkbox, Form } from "antd";
import type { components } from "../../api/schema";
import { Choice } from "../../design/Choice";
import { type Say, useText } from "../../i18n";

type ClientRules = components["schemas"]["ClientRulesBody"];
type Option = { value: number; label: string };

export function ClientRuleFields({ sequence, versions }: { sequence: number | undefined; versions: Option[] }) {
  const { say } = useText();
  return (
    <>
      <fieldset className="plain" aria-label={say("releases.clientRules")}>
        <Form.Item name={["client_rules", "wifi_only"]} valuePropName="checked" style={{ marginBottom: 8 }}>
          <Checkbox>{say("releases.wifiOnly")}</Checkbox>
        </Form.Item>
        <Form.Item name={["client_rules", "predownload"]} valuePropName="checked">
          <Checkbox>{say("releases.predownload")}</Checkbox>
        </Form.Item>
      </fieldset>
      <Form.Item
        name={["client_rules", "minimum_sequence"]}
        label={say("releases.minimum")}
        extra={say("releases.minimumHint")}
      >
        <Choice<number>
          allowClear
          disabled={!sequence}
          placeholder={say("releases.noMinimum")}
          options={versions.filter(({ value }) => value <= (sequence ?? 0))}
        />
      </Form.Item>
    </>
  );
}

/** The rules in words. */
export function clientRulesText(rules: ClientRules | undefined, say: Say): string {
  const said = [
    ...(rules?.wifi_only ? [say("releases.wifiOnly")] : []),
    ...(rules?.predownload ? [say("releases.predownload")] : []),
    ...(rules?.minimum_sequence ? [say("releases.minimumIs", { n: rules.minimum_sequence })] : []),
  ];
  return said.join(say("releases.ruleJoin")) || say("common.none");
}
