/** A problem as people read it: our Chinese sentence by code, the server's own sentence in English. */

import type { Problem } from "../api/problem";
import { UNREACHABLE } from "../api/problem";
import { useText } from "../i18n";
import { Note } from "./Blocks";

export type ProblemWords = { title: string; detail: string };

/** Returns a function from a problem to its sentence; `detail` is the server's English where the title says less. */
export function useProblemText(): (problem: Problem) => ProblemWords {
  const { sayOr, language } = useText();
  return (problem) => {
    const own = sayOr(`problems.${problem.code}`, "");
    if (problem.code === UNREACHABLE || (problem.isSignedOut && problem.code !== "sign_in_refused" && own !== ""))
      return { title: own, detail: "" };
    if (language === "en" || own === "") return { title: problem.detail, detail: "" };
    return { title: own, detail: problem.errors.length > 0 ? "" : problem.detail };
  };
}

export function ProblemNote({ problem }: { problem: Problem | null }) {
  const { say } = useText();
  const words = useProblemText();
  if (problem === null) return null;
  const { title, detail } = words(problem);
  return (
    <Note tone="bad">
      <div>{title}</div>
      {detail ? <div className="small">{detail}</div> : null}
      {problem.traceId ? (
        <div className="small">
          {say("common.traceId")} <code>{problem.traceId}</code>
        </div>
      ) : null}
    </Note>
  );
}
