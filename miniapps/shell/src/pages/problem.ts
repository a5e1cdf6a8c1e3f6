import { PHONE_INVALID } from "../host/phone";
import type { Words } from "../i18n";

/** What the server or the container said went wrong: a sentence, a code, a reference for the bank's desk. */
export class HostProblem extends Error {
  constructor(
    readonly code: string,
    sentence: string,
    readonly traceId = "",
  ) {
    super(sentence);
    this.name = "HostProblem";
  }
}

export function messageOf(problem: unknown, t: Words["t"]): string {
  if (problem instanceof HostProblem && problem.code === PHONE_INVALID) return t("phone_wrong");
  if (problem instanceof HostProblem) {
    return problem.traceId ? `${problem.message} (${t("trace")} ${problem.traceId.slice(0, 8)})` : problem.message;
  }
  return t("load_failed");
}
