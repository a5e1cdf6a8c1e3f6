/** The one error that crosses the bridge: a code of a closed list and a sentence. */

import type { BridgeCode, CallError } from "./protocol";

export class BridgeError extends Error {
  override readonly name = "BridgeError";

  constructor(
    readonly code: BridgeCode,
    message: string,
  ) {
    super(message);
  }
}

/** What an app is told of `problem`: the sentence of a `BridgeError`, and nothing of any other error. */
export function toCallError(problem: unknown): CallError {
  if (problem instanceof BridgeError) return { code: problem.code, message: problem.message };
  return { code: "failed", message: "The call failed; try again later." };
}
