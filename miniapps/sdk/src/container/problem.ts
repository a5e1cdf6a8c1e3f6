/** What the container refuses or fails at: a stable code and a sentence. Codes of the verifier pass through unchanged. */

import { StoreAway } from "../store/problems";
import { isRefused } from "../trust/refused";

export type ContainerCode =
  | "origin_unreachable"
  | "worker_unavailable"
  | "store_full"
  | "store_missing"
  | "app_open_elsewhere"
  | "served_other_version"
  | "boot_timeout"
  | "white_screen"
  | "hello_flood"
  | "left_origin"
  | "not_responding"
  | "app_closed";

export class ContainerProblem extends Error {
  override readonly name = "ContainerProblem";

  constructor(
    /** One of `ContainerCode`, or a code of the verifier that the worker told. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export function problem(code: ContainerCode, message: string): ContainerProblem {
  return new ContainerProblem(code, message);
}

/** Return the code of anything thrown. */
export function codeOf(thrown: unknown): string {
  if (thrown instanceof ContainerProblem || thrown instanceof StoreAway || isRefused(thrown)) return thrown.code;
  if (thrown instanceof DOMException && thrown.name === "QuotaExceededError") return "store_full";
  return "failed";
}
