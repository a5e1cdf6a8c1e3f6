/** The last step of a release: all that was entered, in words. */

import { Facts } from "../../design/Blocks";
import { Loading } from "../../design/States";
import { useText } from "../../i18n";
import { useEstimate, useReachWords } from "../../rules/Estimate";
import { useAppNames } from "../apps/names";
import { CapWords } from "./CapWords";
import { clientRulesText } from "./ClientRules";
import { isWatched, kindOf, useVersions } from "./kinds";
import { Objections, useDraftObjections } from "./Objections";
import { bodyOf, type Values } from "./plan";
import { useWords } from "./planWords";
import { Freezes } from "./ScheduleFields";
import { ScheduleWords, StageSteps } from "./StageSteps";

export function Review({ values }: { values: Values }) {
  const { say, sayOr } = useText();
  const words = useWords();
  const names = useAppNames();
  const count = useReachWords();
  const { reach } = useEstimate(values.audience);
  const kind = kindOf(values.kind);
  const versions = useVersions(kind, values.id ?? "");
  const called = (sequence: number) => {
    const version = versions.items?.find((item) => item.sequence === sequence)?.version;
    return version && kind !== "switch" ? `${version} (#${sequence})` : `#${sequence}`;
  };
  const { stages, schedule, cap } = bodyOf(values);
  const checked = useDraftObjections(values);
  const reaches = reach
    ? say("plan.reviewReach", { customers: count(reach.customers), devices: count(reach.devices) })
    : "";
  if (checked.isLoading) return <Loading lines={8} />;
  return (
    <div className="stack">
      <Freezes />
      {checked.data ? <Objections of={checked.data} /> : null}
      <Facts
        items={[
          { label: say("releases.kind"), value: say(`releases.kind_${kind}`) },
          { label: say(`releases.of_${kind}`), value: names(values.id) || values.id || "—" },
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
          { label: say("releases.clientApp"), value: values.client_app ?? say("releases.everyClientApp") },
          ...(isWatched(values)
            ? [
                {
                  label: say("releases.updateMode"),
                  value: sayOr(`releases.${values.update_mode}`, values.update_mode),
                },
                { label: say("releases.clientRules"), value: clientRulesText(values.client_rules, say) },
              ]
            : []),
          {
            label: say("releases.rollbackTo"),
            value: values.rollback_to ? called(values.rollback_to) : say("releases.noRollback"),
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
