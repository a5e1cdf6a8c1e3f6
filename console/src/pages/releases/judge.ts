/** What a gate says of a release, in one word. Pure. */

import type { components } from "../../api/schema";

type Progress = components["schemas"]["ProgressOut"];
export type Verdict = "waiting" | "person" | "healthy" | "broken";

/** Returns what the last look says. Silence is never health. Pure. */
export function verdictOf({ looks, sample }: Pick<Progress, "looks" | "sample">): Verdict {
  const last = looks.at(-1);
  if (last && last.failures > last.most) return "broken";
  if (sample === null) return "person";
  return last && last.devices >= sample ? "healthy" : "waiting";
}
