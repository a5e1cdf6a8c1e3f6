/** The last step of a release: all that was entered, in words. */

import type { FormInstance } from "antd";
import { useEffect, useState } from "react";
import { asProblem } from "../../api/problem";
import { Facts, Note } from "../../design/Blocks";
import { ProblemNote } from "../../design/ProblemText";
import { Loading } from "../../design/States";
import { useText } from "../../i18n";
import { useEstimate, useReachWords } from "../../rules/Estimate";
import { CapWords } from "./CapWords";
import { clientRulesText } from "./ClientRules";
import { isPackage, isWatched, kindOf, useDeliverableNames, useTargets, useVersions, versionSaid } from "./kinds";
import { Objections, useDraftObjections } from "./Objections";
import { bodyOf, type Values } from "./plan";
import { useWords } from "./planWords";
import { Freezes } from "./ScheduleFields";
import { ScheduleWords, StageSteps } from "./StageSteps";

export function Review({ form, values }: { form: FormInstance<Values>; values: Values }) {
  const { say, sayOr } = useText();
  const words = useWords();
  const names = useDeliverableNames();
  const count = useReachWords();
  const { reach } = useEstimate(values.audience);
  const kind = kindOf(values.kind);
  const versions = useVersions(kind, values.id ?? "");
  const targets = useTargets(kind, values.id ?? "", values.sequence);
  const called = (sequence: number) => {
    const all = [...(versions.items ?? []), ...(targets.items ?? [])];
    const item = all.find((each) => each.sequence === sequence);
    return item ? versionSaid(kind, item) : `#${sequence}`;
  };
  const { stages, schedule, cap } = bodyOf(values);
  const isWhole = useIsWhole(form);
  const checked = useDraftObjections(values, isWhole);
  const reaches = reach
    ? say("plan.reviewReach", { customers: count(reach.customers), devices: count(reach.devices) })
    : "";
  if (isWhole === null || checked.isLoading) return <Loading lines={8} />;
  return (
    <div className="stack">
      <Freezes />
      {isWhole ? null : <Note tone="warn">{say("plan.reviewIncomplete")}</Note>}
      <ProblemNote problem={checked.error ? asProblem(checked.error) : null} />
      {checked.data ? <Objections of={checked.data} /> : null}
      <Facts
        items={[
          { label: say("releases.kind"), value: say(`releases.kind_${kind}`) },
          { label: say(`releases.of_${kind}`), value: names(kind, values.id ?? "") || "—" },
          { label: say("common.version"), value: values.sequence ? called(values.sequence) : "—" },
          {
            label: say("releases.audience"),
            value: (
              <>
                <div>{words.rule(values.audience)}</div>
                <div className="small muted">{reaches}</div>
              </>
            ),
          },
          ...(cap ? [{ label: say("plan.cap"), value: <CapWords of={cap} /> }] : []),
          ...(kind === "app_upgrade"
            ? []
            : [{ label: say("releases.clientApp"), value: values.client_app ?? say("releases.everyClientApp") }]),
          ...(isWatched(values)
            ? [
                {
                  label: say("releases.updateMode"),
                  value: sayOr(`releases.${values.update_mode}`, values.update_mode),
                },
              ]
            : []),
          ...(isPackage(values)
            ? [{ label: say("releases.clientRules"), value: clientRulesText(values.client_rules, say) }]
            : []),
          {
            label: say("releases.rollbackTo"),
            value: typeof values.rollback_to === "number" ? called(values.rollback_to) : say("releases.noRollback"),
          },
          { label: say("plan.step_schedule"), value: <ScheduleWords of={schedule ?? {}} /> },
        ]}
      />
      <div>
        <h3 style={{ marginBottom: 10 }}>{say("plan.step_stages")}</h3>
        <StageSteps stages={stages ?? []} />
      </div>
    </div>
  );
}

/** Returns whether every field of every step is filled in; null before it is known. No field is marked for it. */
function useIsWhole(form: FormInstance<Values>): boolean | null {
  const [isWhole, setWhole] = useState<boolean | null>(null);
  useEffect(() => {
    let isHere = true;
    const say = (found: boolean) => isHere && setWhole(found);
    form.validateFields({ validateOnly: true }).then(
      () => say(true),
      () => say(false),
    );
    return () => {
      isHere = false;
    };
  }, [form]);
  return isWhole;
}
