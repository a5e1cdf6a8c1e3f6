import type { ContainerCode, RefusalCode } from "@sampan/sdk";
import type { Key } from "../i18n";

/** What keeps an app from opening: codes of the verifier and the container, and the shell's own. */
type Code = RefusalCode | ContainerCode | "offline" | "starting" | "failed";

/** What the customer reads for each code. The code itself stands beside it, for the bank's desk. */
export const REFUSALS: Record<Code, Key> = {
  offline: "refused_offline",
  starting: "refused_away",
  failed: "refused_crashed",
  origin_unreachable: "refused_away",
  trust_unreachable: "refused_away",
  trust_refused: "refused_proof",
  trust_malformed: "refused_proof",
  trust_role_mismatch: "refused_proof",
  trust_not_signed: "refused_proof",
  trust_delegation_unsafe: "refused_proof",
  trust_rolled_back: "refused_proof",
  trust_bytes_differ: "refused_proof",
  trust_too_long: "refused_proof",
  trust_expired: "refused_expired",
  control_malformed: "refused_proof",
  index_not_canonical: "refused_proof",
  index_invalid: "refused_proof",
  archive_mismatch: "refused_proof",
  delta_refused: "refused_proof",
  offer_not_ours: "refused_proof",
  hotfix_malformed: "refused_proof",
  hotfix_manifest: "refused_proof",
  hotfix_base_differs: "refused_proof",
  hotfix_result_differs: "refused_proof",
  served_other_version: "refused_proof",
  trust_not_listed: "refused_not_offered",
  install_not_listed: "refused_not_offered",
  hotfix_not_listed: "refused_not_offered",
  install_not_offerable: "refused_not_offered",
  open_not_for_you: "refused_not_offered",
  open_nothing_installed: "refused_not_offered",
  install_killed: "killed_hint",
  open_killed: "killed_hint",
  install_below_floor: "refused_old",
  install_downgrade: "refused_old",
  open_below_floor: "refused_old",
  open_update_required: "refused_old",
  install_failed_here: "refused_damaged",
  package_file_missing: "refused_damaged",
  store_damaged: "refused_damaged",
  store_missing: "refused_damaged",
  store_nothing_to_revert: "refused_damaged",
  store_full: "refused_full",
  app_open_elsewhere: "refused_elsewhere",
  worker_unavailable: "refused_crashed",
  boot_timeout: "refused_crashed",
  white_screen: "refused_crashed",
  hello_flood: "refused_crashed",
  left_origin: "refused_crashed",
  not_responding: "refused_crashed",
  app_closed: "refused_crashed",
  preview_ended: "refused_preview",
};

/** Return the text for a code; of one that is not known, that the app was stopped. */
export function refusalText(code: string): Key {
  return code in REFUSALS ? REFUSALS[code as Code] : "refused_hint";
}
