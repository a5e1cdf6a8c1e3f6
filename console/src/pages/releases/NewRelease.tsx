/** A new release, step by step: which version, for whom, in which stages, when, and all of it once more in words. */

import { App, Button, Checkbox, Form, type FormInstance, Input } from "antd";
import { useEffect, useRef, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { query } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import type { ReleaseDetail } from "../../api/types";
import { focusFirst } from "../../app/focus";
import { useSession } from "../../app/session";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { ProblemForm } from "../../design/ProblemForm";
import { useProblemText } from "../../design/ProblemText";
import { useText } from "../../i18n";
import { EVERYBODY } from "../../rules/rules";
import { AudienceFields } from "./AudienceFields";
import { kindOf } from "./kinds";
import {
  bodyOf,
  NO_CAP,
  NO_RULES,
  NO_SCHEDULE,
  type Preset,
  presetStages,
  STEPS,
  type Step,
  stepOf,
  type Values,
  valuesOf,
} from "./plan";
import { Review } from "./Review";
import { ownZone, ScheduleFields } from "./ScheduleFields";
import { StagesFields } from "./StagesFields";
import { VersionFields } from "./VersionFields";

type Path = readonly (string | number)[];

export default function NewRelease() {
  return <ReleaseWizard />;
}

/** The steps; with a draft, of that one. */
export function ReleaseWizard({ draft }: { draft?: ReleaseDetail }) {
  const { say } = useText();
  const { may } = useSession();
  const { message } = App.useApp();
  const words = useProblemText();
  const act = useAct();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [form] = Form.useForm<Values>();
  const begin = STEPS.find((step) => step === params.get("step")) ?? "version";
  const from = draft ? "review" : begin;
  const [step, setStep] = useState<Step>(begin);
  const [reached, setReached] = useState(STEPS.indexOf(from));
  const [preset, setPreset] = useState<Preset>(draft ? "own" : "everybody");
  const [isSent, setSent] = useState(may("release:submit"));
  const [note, setNote] = useState("");
  const [refused, setRefused] = useState<{ at: Path; problem: Problem } | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const create = query.useMutation("post", "/releases");
  const edit = query.useMutation("patch", "/releases/{release_id}");
  const submit = query.useMutation("post", "/releases/{release_id}/submit");
  const [first] = useState<Partial<Values>>(() =>
    draft
      ? valuesOf(draft, ownZone())
      : {
          kind: kindOf(params.get("kind")),
          ...(params.get("kind") === "hotfix" && params.has("sequence")
            ? { rollback_to: Number(params.get("back") ?? 0) }
            : {}),
          ...(params.get("app") ? { id: params.get("app") ?? "" } : {}),
          ...(params.get("sequence") ? { sequence: Number(params.get("sequence")) } : {}),
          audience: EVERYBODY,
          update_mode: "async",
          client_rules: NO_RULES,
          cap: NO_CAP,
          stages: presetStages("everybody", { everybody: say("plan.everybody"), testers: "" }, {}),
          schedule: NO_SCHEDULE(ownZone()),
        },
  );
  // What is edited is what was there at first: a change of somebody else meanwhile is refused, not overwritten.
  const [seenMs] = useState(draft?.changed_ms ?? 0);
  const audience = Form.useWatch("audience", form) ?? EVERYBODY;

  const [shownFor, setShownFor] = useState(0);
  useEffect(() => {
    if (shownFor === 0) return;
    place.current?.querySelector<HTMLElement>(".wizard-step:not([hidden])")?.focus({ preventScroll: true });
    // Its heading is what is read first: back up to it from the foot of a long step.
    if ((place.current?.getBoundingClientRect().top ?? 0) < 0) place.current?.scrollIntoView();
  }, [shownFor]);
  const show = (next: Step) => {
    setStep(next);
    setReached((n) => Math.max(n, STEPS.indexOf(next)));
    setShownFor((n) => n + 1);
  };
  const goOn = async () => {
    const names = form.getFieldsError().map(({ name }) => name as Path);
    try {
      await form.validateFields(names.filter((name) => stepOf(name) === step) as never);
    } catch {
      const wrong = place.current?.querySelector(".wizard-step:not([hidden]) .ant-form-item-has-error");
      if (wrong) focusFirst(wrong);
      return;
    }
    const next = STEPS[STEPS.indexOf(step) + 1];
    if (next) show(next);
  };
  const previous = STEPS[STEPS.indexOf(step) - 1];
  const isReady = reached === STEPS.length - 1;
  const wrongIn = (path: Path) =>
    refused?.problem.at && path.join() === refused.at.join()
      ? { at: refused.problem.at, sentence: words(refused.problem).title }
      : null;

  const save = async () => {
    const body = bodyOf(form.getFieldsValue(true) as Values);
    const made = await act(() => {
      if (!draft) return create.mutateAsync({ body });
      const { kind: _kind, id: _id, ...changes } = body;
      return edit.mutateAsync({
        params: { path: { release_id: draft.id } },
        body: { ...changes, changed_ms: seenMs },
      });
    });
    if (isSent)
      try {
        const asked = { params: { path: { release_id: made.id } }, body: { cause: note.trim() } };
        await act(() => submit.mutateAsync(asked));
        message.success(say("releases.proposed"));
      } catch (thrown) {
        message.error(words(asProblem(thrown)).title);
      }
    navigate(`/releases/${made.id}`);
  };

  return (
    <PageFrame
      title={say(draft ? "releases.edit" : "releases.create")}
      crumbs={[{ title: say("releases.title"), to: "/releases" }]}
      lead={say("releases.createLead")}
    >
      <div className="wizard" ref={place}>
        <ol className="wizard-steps" aria-label={say("plan.steps")}>
          {STEPS.map((name, n) => (
            <li key={name}>
              <button
                type="button"
                disabled={n > reached}
                className={name === step ? "now" : n < STEPS.indexOf(step) ? "done" : ""}
                aria-current={name === step ? "step" : undefined}
                onClick={() => show(name)}
              >
                <span className="stage-knot num" aria-hidden="true">
                  {n + 1}
                </span>
                {say(`plan.step_${name}`)}
              </button>
            </li>
          ))}
        </ol>
        <Panel title={say(`plan.step_${step}`)} hint={say(`plan.stepHint_${step}`)}>
          <ProblemForm<Values>
            form={form}
            submit={isSent ? say("releases.saveSubmit") : say("releases.saveDraft")}
            doneText=""
            initial={first}
            byCode={{
              not_releasable: ["sequence"],
              version_unknown: ["sequence"],
              bad_rollback_target: ["rollback_to"],
              bad_update_mode: ["update_mode"],
              bad_client_rules: ["client_rules", "minimum_sequence"],
              client_app_unknown: ["client_app"],
            }}
            rename={(path) => placed(path, form)}
            onRefused={([at], problem) => {
              if (!at) return;
              setStep(stepOf(at));
              setRefused(problem ? { at, problem } : null);
            }}
            onSubmit={save}
            isOpenEnded={!isReady}
            buttons={
              <>
                {previous ? <Button onClick={() => show(previous)}>{say("plan.back")}</Button> : null}
                {step === "review" ? null : (
                  <Button type={isReady ? "default" : "primary"} onClick={goOn}>
                    {say("plan.next")}
                  </Button>
                )}
              </>
            }
          >
            <StepSection name="version" step={step}>
              <VersionFields form={form} isFixed={draft !== undefined} />
            </StepSection>
            <StepSection name="audience" step={step}>
              <AudienceFields form={form} wrong={wrongIn(["audience"])} audience={audience} />
            </StepSection>
            <StepSection name="stages" step={step}>
              <StagesFields
                form={form}
                audience={audience}
                preset={preset}
                onPreset={setPreset}
                wrongAt={(n) => wrongIn(["stages", n, "audience"])}
              />
            </StepSection>
            <StepSection name="schedule" step={step}>
              <ScheduleFields form={form} />
            </StepSection>
            <StepSection name="review" step={step}>
              {step === "review" ? (
                <Review form={form} values={{ ...first, ...form.getFieldsValue(true) } as Values} />
              ) : null}
              {may("release:submit") ? (
                <div style={{ margin: "18px 0" }}>
                  <Checkbox checked={isSent} onChange={({ target }) => setSent(target.checked)}>
                    {say("releases.submitNow")}
                  </Checkbox>
                  {isSent ? (
                    <Input.TextArea
                      aria-label={say("releases.submitNote")}
                      placeholder={say("releases.submitNote")}
                      value={note}
                      onChange={({ target }) => setNote(target.value)}
                      autoSize={{ minRows: 2, maxRows: 6 }}
                      maxLength={2000}
                      style={{ marginTop: 10 }}
                    />
                  ) : null}
                </div>
              ) : null}
            </StepSection>
          </ProblemForm>
        </Panel>
      </div>
    </PageFrame>
  );
}

/** One step of the form; the others stay in it unseen, so that nothing that was entered is lost. */
function StepSection({ name, step, children }: { name: Step; step: Step; children: React.ReactNode }) {
  const { say } = useText();
  const label = say("plan.stepNth", { n: STEPS.indexOf(name) + 1, name: say(`plan.step_${name}`) });
  return (
    <section className="wizard-step" hidden={name !== step} tabIndex={-1} aria-label={label}>
      {children}
    </section>
  );
}

/** Returns the field that the server means: what is not shown is the switch that shows it. */
function placed(path: (string | number)[], form: FormInstance<Values>): (string | number)[] {
  const has = (name: Path) => form.getFieldsError().some((field) => (field.name as Path).join() === name.join());
  if (path.length === 1 && path[0] === "stages") return ["stages", 0, "name"];
  if (path[0] === "cap" && !has(path)) return ["cap", "on"];
  if (path.length === 1 && path[0] === "schedule") return ["schedule", "not_before_ms"];
  if (path[0] === "stages" && path[2] === "gate" && !has(path.slice(0, 4))) return [...path.slice(0, 3), "on"];
  if (path[0] === "stages" && path[2] === "advance" && !has(path)) return [...path.slice(0, 2), "name"];
  if (path[0] === "schedule" && path[1] === "hours" && !has(path.slice(0, 3))) return ["schedule", "hours", "on"];
  return path;
}
