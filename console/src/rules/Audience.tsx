/** For whom a release is: tiers where the rule is one of tiers, else the rule in words. */

import { TierTag } from "../design/Small";
import { tiersOf } from "./rules";
import { useRuleWords } from "./ruleWords";

export function Audience({ rule }: { rule: unknown }) {
  const words = useRuleWords();
  const tiers = tiersOf(rule);
  if (tiers === null) return <span className="wrap">{words.rule(rule)}</span>;
  return (
    <span className="row" style={{ gap: 6 }}>
      {tiers.map((tier) => (
        <TierTag key={tier} tier={tier} />
      ))}
    </span>
  );
}
