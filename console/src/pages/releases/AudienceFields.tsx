/** The second step of a release: for whom it is at all, with how many that is. */

import { Form, type FormInstance } from "antd";
import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { Choice } from "../../design/Choice";
import { useText } from "../../i18n";
import { AudienceField } from "../../rules/AudienceField";
import { Estimate } from "../../rules/Estimate";
import type { Wrong } from "../../rules/RuleEditor";
import { missingIn, type Rule } from "../../rules/rules";
import { CapFields } from "./CapFields";
import { isPackage } from "./kinds";
import type { Values } from "./plan";

export function AudienceFields(props: { form: FormInstance<Values>; audience: Rule; wrong: Wrong }) {
  const { form, audience, wrong } = props;
  const isCounted = isPackage({ kind: Form.useWatch("kind", form) });
  const { say } = useText();
  const { may } = useSession();
  const clientApps = query.useQuery(
    "get",
    "/client-apps",
    { params: { query: { limit: 200 } } },
    { enabled: may("client_app:read") },
  );
  return (
    <div className="with-estimate">
      <div>
        <Form.Item
          name="audience"
          label={say("releases.audience")}
          extra={say("releases.audienceHint")}
          required
          validateTrigger={[]}
          rules={[
            {
              validator: (_, rule) =>
                missingIn(rule) === null ? Promise.resolve() : Promise.reject(say("rules.incomplete")),
            },
          ]}
        >
          <AudienceField wrong={wrong} onChange={() => form.setFields([{ name: "audience", errors: [] }])} />
        </Form.Item>
        <Form.Item name="client_app" label={say("releases.clientApp")}>
          <Choice<string>
            allowClear
            placeholder={say("releases.everyClientApp")}
            options={clientApps.data?.items.map((item) => ({ value: item.id, label: item.name })) ?? []}
          />
        </Form.Item>
        {isCounted ? <CapFields form={form} /> : null}
      </div>
      <Estimate rule={audience} />
    </div>
  );
}
