/** For whom a release is, in tiers where the rule is one of tiers. */

import { TierTag } from "../../design/Small";
import { useText } from "../../i18n";
import { tiersOf } from "./rules";

export function Audience({ rule }: { rule: unknown }) {
  const { say } = useText();
  const tiers = tiersOf(rule);
  if (tiers === null)
    return (
      <>
        {say("releases.otherRule")} <code className="small">{JSON.stringify(rule)}</code>
      </>
    );
  return (
    <span className="row" style={{ gap: 6 }}>
      {tiers.map((tier) => (
        <TierTag key={tier} tier={tier} />
      ))}
    </span>
  );
}
