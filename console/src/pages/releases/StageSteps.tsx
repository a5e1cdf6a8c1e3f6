/** Stages and schedule in words: in the review of the wizard, and of a release as it stands. */

import { CheckOutlined } from "@ant-design/icons";
import { Tag } from "../../design/Small";
import { useText } from "../../i18n";
import { percent } from "../../rules/ruleWords";
import { type Stage, useWords } from "./planWords";

/** The stages one under the other; `at` is the present one, what is done before it is ticked; `isEnded`: it ended there. */
export function StageSteps(props: { stages: readonly Stage[]; at?: number; isOver?: boolean; isEnded?: boolean }) {
  const { stages, at, isOver, isEnded } = props;
  const { say } = useText();
  const words = useWords();
  return (
    <ol className="stages">
      {stages.map((stage, n) => {
        const isNow = at === n && !isOver && !isEnded;
        const isDone = at !== undefined && (n < at || (isOver === true && n === at));
        return (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: a stage is known by its place
            key={n}
            className={isNow ? "now" : isDone ? "done" : ""}
            {...(isNow ? { "aria-current": "step" as const } : {})}
          >
            <span className="stage-knot num" aria-hidden="true">
              {isDone ? <CheckOutlined /> : n + 1}
            </span>
            <div className="grow">
              <div className="row">
                <span className="strong">{words.stageName(stage)}</span>
                {stage.name === percent(stage.basis_points) ? null : (
                  <span className="num muted">{percent(stage.basis_points)}</span>
                )}
                {isNow ? <Tag tone="info">{say("plan.now")}</Tag> : null}
                {isEnded && at === n ? <Tag tone="neutral">{say("plan.ended")}</Tag> : null}
                {isDone ? <span className="visually-hidden">{say("plan.done")}</span> : null}
              </div>
              <div className="small muted wrap">{words.stage(stage, n + 1 === stages.length)}</div>
            </div>
          </li>
        );
      })}
    </ol>
  );
}

export function ScheduleWords({ of }: { of: Parameters<ReturnType<typeof useWords>["schedule"]>[0] }) {
  const words = useWords();
  return (
    <>
      {words.schedule(of).map((line) => (
        <div key={line}>{line}</div>
      ))}
    </>
  );
}
