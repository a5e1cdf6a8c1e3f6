/** How many a rule reaches, asked anew a moment after it was changed; and what is wrong with it. */

import { keepPreviousData } from "@tanstack/react-query";
import { query } from "../api/client";
import { asProblem } from "../api/problem";
import type { components } from "../api/schema";
import { useSession } from "../app/session";
import { useLate } from "../app/useLate";
import { useProblemText } from "../design/ProblemText";
import { useText } from "../i18n";
import type { Wrong } from "./RuleEditor";
import { missingIn, type Rule } from "./rules";

type Reach = components["schemas"]["ReachOut"];
const QUIET_MS = 400;

export function useEstimate(rule: Rule) {
  const { may } = useSession();
  const words = useProblemText();
  const asked = useLate(JSON.stringify(rule), QUIET_MS);
  const isWhole = missingIn(JSON.parse(asked)) === null;
  const found = query.useQuery(
    "post",
    "/audience/estimate",
    { body: { audience: JSON.parse(asked) as Rule, salt: "" } },
    { enabled: may("audience:read") && isWhole, retry: false, staleTime: 30_000, placeholderData: keepPreviousData },
  );
  const problem = isWhole && found.error ? asProblem(found.error) : null;
  const wrong: Wrong = problem?.at ? { at: problem.at, sentence: words(problem).title } : null;
  return { reach: isWhole && !problem ? found.data : undefined, wrong, isAsking: found.isFetching };
}

/** Says the number of a reach: of few only that they are few, of what is not sure the two ends. */
export function useReachWords(): (reach: Reach, share?: number) => string {
  const { say, language } = useText();
  const format = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-GB", { maximumSignificantDigits: 3 });
  return ({ at_least, at_most, is_small }, share = 1) => {
    const [least, most] = [Math.round(at_least * share), Math.round(at_most * share)];
    if (is_small || most < 20) return say("rules.few");
    if (least === most) return format.format(most);
    return least < 20
      ? say("rules.atMost", { n: format.format(most) })
      : `${format.format(least)}–${format.format(most)}`;
  };
}

/** Returns how much of a bar is filled, in percent; of few nobody knows how few, and nothing is drawn. */
const filled = ({ at_most, is_small, total }: Reach) => (is_small || total === 0 ? 0 : (100 * at_most) / total);

export function Estimate({ rule }: { rule: Rule }) {
  const { say } = useText();
  const { may } = useSession();
  const { reach, isAsking } = useEstimate(rule);
  const words = useReachWords();
  if (!may("audience:read")) return null;
  return (
    <div className="estimate" role="status" aria-label={say("rules.reaches")} aria-busy={isAsking && !reach}>
      {(["customers", "devices"] as const).map((whom) => (
        <div key={whom}>
          <div className="small muted">{say(`rules.${whom}`)}</div>
          <div className="estimate-number num">{reach ? words(reach[whom]) : "—"}</div>
          <div className="small muted">
            {reach ? say("rules.ofAll", { n: reach[whom].total }) : say("rules.notYet")}
          </div>
          <div className="meter" aria-hidden="true">
            <i style={{ width: `${reach ? filled(reach[whom]) : 0}%` }} />
          </div>
        </div>
      ))}
      <p className="small muted">
        {reach ? say(reach.is_exact ? "rules.exact" : "rules.sampled", { days: reach.active_days }) : ""}
      </p>
    </div>
  );
}
