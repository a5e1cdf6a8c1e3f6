/** How a label stands, in words. */

import { Tag } from "../../design/Small";
import { useText } from "../../i18n";
import { type Release, STATE_TONES, stateOf } from "./labels";

export function LabelState({ of: release }: { of: Release }) {
  const { say } = useText();
  const state = stateOf(release);
  return (
    <span className="row">
      <Tag tone={STATE_TONES[state]}>{say(`codepush.state_${state}`)}</Tag>
      {release.rollout < 100 ? (
        <span className="small muted num">{say("codepush.rolloutIs", { n: release.rollout })}</span>
      ) : null}
      {release.is_mandatory ? <Tag tone="warn">{say("codepush.mandatory")}</Tag> : null}
    </span>
  );
}
