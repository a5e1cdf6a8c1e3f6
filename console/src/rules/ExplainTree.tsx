/** Why a rule holds for somebody or not: its tree, each part with its outcome and the value that was seen. */

import { CheckCircleFilled, CloseCircleFilled, QuestionCircleFilled } from "@ant-design/icons";
import { useText } from "../i18n";
import { bucketSaid } from "./bucket";
import type { Value } from "./rules";
import { useRuleWords } from "./ruleWords";
import "./explain.css";

/** A part as the server explains it; what is left out is as it would be without it. */
export type Explanation = {
  word: string;
  at: string;
  outcome?: boolean | null;
  attr?: string;
  op?: string;
  values?: readonly Value[];
  source?: string;
  seen?: unknown;
  parts?: readonly Explanation[];
};

const MASKED = "***";

export function ExplainTree({ of: part }: { of: Explanation }) {
  return (
    <ul className="explain-tree">
      <Part of={part} />
    </ul>
  );
}

/** The sign of an outcome, with its word for who does not see it. */
export function OutcomeSign({ outcome }: { outcome: boolean | null | undefined }) {
  const { say } = useText();
  const [tone, word, sign] =
    outcome === true
      ? (["good", "holds", <CheckCircleFilled key="s" />] as const)
      : outcome === false
        ? (["bad", "fails", <CloseCircleFilled key="s" />] as const)
        : (["warn", "unknown", <QuestionCircleFilled key="s" />] as const);
  return (
    <span className={`sign-${tone}`} role="img" aria-label={say(`rules.${word}`)} title={say(`rules.${word}`)}>
      {sign}
    </span>
  );
}

function Part({ of: part }: { of: Explanation }) {
  const { say } = useText();
  const words = useRuleWords();
  const title =
    part.word === "all" || part.word === "any"
      ? part.parts?.length
        ? say(`rules.${part.word}`)
        : say(part.word === "all" ? "rules.everybody" : "rules.nobody")
      : part.word === "not"
        ? say("rules.notOf")
        : words.condition(part.attr ?? "", part.op ?? "", part.values?.map(unmasked) ?? []);
  function unmasked(value: Value): Value {
    return value === MASKED ? say("rules.masked") : value;
  }
  return (
    <li>
      <div className="explain-part">
        <OutcomeSign outcome={part.outcome} />
        <span className="wrap">
          {title} {part.word === "condition" ? <Seen of={part} /> : null}
        </span>
      </div>
      {part.parts?.length ? (
        <ul className="explain-tree">
          {part.parts.map((inner) => (
            <Part key={inner.at + inner.word + (inner.attr ?? "")} of={inner} />
          ))}
        </ul>
      ) : null}
    </li>
  );
}

function Seen({ of: part }: { of: Explanation }) {
  const { say } = useText();
  const words = useRuleWords();
  const { seen } = part;
  const by = say(part.source === "claimed" ? "explain.sourceClaimed" : "explain.sourceServer");
  if (part.attr === "percentage" && typeof seen === "number")
    return <span className="small muted">{bucketSaid(part, seen, say)}</span>;
  const isNothing = seen === undefined || seen === null;
  const list = (Array.isArray(seen) ? seen : [seen]) as Value[];
  const value = isNothing
    ? say("rules.seenNothing")
    : list.length === 0
      ? say("explain.seenNone")
      : list.map((one) => (one === MASKED ? say("rules.masked") : words.value(part.attr ?? "", one))).join(", ");
  return (
    <span className="small muted">
      {say("rules.seen", { value })} · {by}
    </span>
  );
}
