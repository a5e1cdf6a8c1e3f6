/** What a label of CodePush is and what can be done with it. Pure. */

import type { components } from "../../api/schema";
import type { Tone } from "../../design/tokens";

export type Release = components["schemas"]["CodePushReleaseOut"];
export type Deployment = components["schemas"]["CodePushDeploymentOut"];
export type Count = components["schemas"]["CodePushCountOut"];
type State = Release["state"] | "disabled";

export const STATE_TONES: Record<State, Tone> = {
  waiting: "info",
  approved: "good",
  refused: "bad",
  disabled: "neutral",
};

const EVERYBODY = 100;

/** Returns how a label stands: one that is approved may be disabled. */
export const stateOf = ({ state, is_disabled }: Release): State =>
  state === "approved" && is_disabled ? "disabled" : state;

/** Whether one person may give it out again: an earlier label for the same binary, approved for everybody. */
export function mayRollBackTo(release: Release, present: Release | undefined): boolean {
  return (
    present !== undefined &&
    release.label !== present.label &&
    release.state === "approved" &&
    !release.is_disabled &&
    release.rollout === EVERYBODY &&
    release.app_version === present.app_version &&
    release.package_hash !== present.package_hash
  );
}

/** Returns the label that devices follow now, of a history with the newest first. */
export const presentOf = (history: readonly Release[]): Release | undefined =>
  history.find(({ state }) => state === "approved");

export const deploymentPath = (app: string, deployment: string) => `/codepush/${app}/${deployment}`;
