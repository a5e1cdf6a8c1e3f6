/**
 * What is refused here: a stable `code` and a sentence that says what to do. Codes are those of the simulated
 * device (docs/protocols/trust.md, docs/protocols/package.md), so that reports of all clients can be counted together.
 */

export type TrustCode =
  | "trust_refused"
  | "trust_malformed"
  | "trust_role_mismatch"
  | "trust_not_signed"
  | "trust_delegation_unsafe"
  | "trust_rolled_back"
  | "trust_expired"
  | "trust_bytes_differ"
  | "trust_too_long"
  | "trust_not_listed"
  | "trust_unreachable"
  | "control_malformed";

export type InstallCode =
  | "install_not_listed"
  | "install_killed"
  | "install_below_floor"
  | "install_not_offerable"
  | "install_downgrade"
  | "install_failed_here";

export type HotfixCode =
  | "hotfix_not_listed"
  | "hotfix_base_differs"
  | "hotfix_result_differs"
  | "hotfix_malformed"
  | "hotfix_manifest";

export type OpenCode =
  | "open_nothing_installed"
  | "open_killed"
  | "open_below_floor"
  | "open_not_for_you"
  | "open_update_required";

export type PackageCode = "index_not_canonical" | "index_invalid" | "archive_mismatch" | "package_file_missing";

/** Never told to people: the device goes on with another way to the same archive. */
export type DeltaCode = "delta_refused";

export type StoreCode = "store_damaged" | "store_nothing_to_revert";

export type SyncCode = "offer_not_ours";

export type PreviewCode = "preview_ended";

export type RefusalCode =
  | DeltaCode
  | HotfixCode
  | PreviewCode
  | SyncCode
  | TrustCode
  | InstallCode
  | OpenCode
  | PackageCode
  | StoreCode;

export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** A refusal. It changes nothing: what was verified and installed before stays and keeps opening. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly facts: Facts = {},
  ) {
    super(message);
  }
}

/** Whether `problem` is a refusal, of this code when one is given. */
export function isRefused(problem: unknown, code?: RefusalCode): problem is Refused {
  return problem instanceof Refused && (code === undefined || problem.code === code);
}

/** Return when `isMet`, else throw. */
export function demand(isMet: boolean, code: RefusalCode, message: string): asserts isMet {
  if (!isMet) throw new Refused(code, message);
}
