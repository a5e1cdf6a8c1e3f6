/** What one customer or device gets of a switch, and why, rule by rule; asking is audited. */

import { Form, Input } from "antd";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { query } from "../../api/client";
import type { components } from "../../api/schema";
import { Panel } from "../../design/Blocks";
import { ProblemForm } from "../../design/ProblemForm";
import { Tag } from "../../design/Small";
import { useText } from "../../i18n";
import { ExplainTree, type Explanation } from "../../rules/ExplainTree";

type Explained = components["schemas"]["ExplainedSwitchOut"];
type Values = { subject: string; reason: string };

export function TrySwitch({ switchKey }: { switchKey: string }) {
  const { say } = useText();
  const [params] = useSearchParams();
  const ask = query.useMutation("post", "/switches/{switch}/explain");
  const [found, setFound] = useState<{ subject: string; answer: Explained } | null>(null);
  return (
    <Panel title={say("switches.try")} hint={say("switches.tryHint")}>
      <ProblemForm<Values>
        submit={say("switches.trySubmit")}
        doneText=""
        initial={{ subject: params.get("subject") ?? "", reason: "" }}
        byCode={{ subject_unknown: ["subject"] }}
        rename={(path) => (path[0] === "reason" ? path : ["subject"])}
        onSubmit={async ({ subject, reason }) => {
          const id = subject.trim();
          const whom = id.startsWith("cus_") ? { customer: id } : { device: id };
          const body = { ...whom, reason: reason.trim() };
          const answer = await ask.mutateAsync({ params: { path: { switch: switchKey } }, body });
          setFound({ subject: id, answer });
        }}
      >
        <div className="plan-line">
          <Form.Item
            name="subject"
            label={say("switches.trySubject")}
            extra={say("switches.trySubjectHint")}
            rules={[{ required: true, whitespace: true }]}
          >
            <Input className="mono" maxLength={40} autoComplete="off" spellCheck={false} />
          </Form.Item>
          <Form.Item
            name="reason"
            label={say("switches.tryReason")}
            extra={say("common.reasonHint")}
            rules={[{ required: true, whitespace: true }]}
          >
            <Input maxLength={500} />
          </Form.Item>
        </div>
      </ProblemForm>
      <div aria-live="polite">{found ? <Answer of={found.answer} /> : null}</div>
    </Panel>
  );
}

function Answer({ of: { state, value, variant, reason, place, rules } }: { of: Explained }) {
  const { say, sayOr } = useText();
  const decides = rules.findIndex((rule) => (rule as { outcome?: boolean | null }).outcome === true);
  return (
    <div className="tried">
      <div>
        <div className="small muted">{say(state === "active" ? "switches.tryGets" : "switches.tryWould")}</div>
        <div className="tried-value">{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</div>
        <div className="row small muted">
          <span className="variant">
            <span className="strong">{variant}</span>
          </span>
          <span>{sayOr(`switches.reason_${reason}`, reason)}</span>
          <span className="num">
            {place === null ? say("switches.tryNoPlace") : say("switches.tryPlace", { n: place })}
          </span>
        </div>
      </div>
      {rules.map((rule, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rules have no other name than their number
        <div key={n} className={n === decides ? "tried-rule decides" : "tried-rule"}>
          <div className="row between">
            <span className="strong">{say("switches.ruleNth", { n: n + 1 })}</span>
            {n === decides ? <Tag tone="good">{say("switches.ruleDecides")}</Tag> : null}
            {decides >= 0 && n > decides ? <span className="small muted">{say("switches.ruleAfter")}</span> : null}
          </div>
          <ExplainTree of={rule as Explanation} />
        </div>
      ))}
    </div>
  );
}
