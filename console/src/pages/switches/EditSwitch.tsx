/** A switch made or changed, by a form or as JSON; the server says whether a change waits for a second person. */

import { App, Checkbox, Form, type FormInstance, Input, Segmented } from "antd";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { query } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { ProblemForm } from "../../design/ProblemForm";
import { useProblemText } from "../../design/ProblemText";
import { Fetch, Loading } from "../../design/States";
import { useText } from "../../i18n";
import { useHasForms } from "../../rules/ruleForms";
import { PendingChange, useWaiting } from "../audiences/PendingChange";
import {
  type Definition,
  definitionIn,
  definitionOf,
  FIRST,
  fieldOf,
  objectIn,
  placed,
  placeInRule,
  type Values,
  valuesOf,
} from "./definition";
import { RulesFields } from "./RulesFields";
import { VariantsFields } from "./VariantsFields";
import { WhatFields } from "./WhatFields";
import "../audiences/audiences.css";
import "./switches.css";

export default function EditSwitch() {
  const { key } = useParams();
  return key ? <Existing switchKey={key} /> : <NewSwitch />;
}

function NewSwitch() {
  const { say } = useText();
  const act = useAct();
  const navigate = useNavigate();
  const create = query.useMutation("post", "/switches");
  return (
    <PageFrame
      title={say("switches.create")}
      lead={say("switches.createLead")}
      crumbs={[{ title: say("switches.title"), to: "/switches" }]}
    >
      <SwitchForm
        isNew
        initial={FIRST}
        onSubmit={async (definition) => {
          const made = await act(() => create.mutateAsync({ body: { definition } }));
          navigate(`/switches/${made.key}`);
        }}
        onCancel={() => navigate("/switches")}
      />
    </PageFrame>
  );
}

function Existing({ switchKey: key }: { switchKey: string }) {
  const { say } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const navigate = useNavigate();
  const params = { path: { switch: key } };
  // What is being edited is what was there at first: a change of somebody else meanwhile is refused, not overwritten.
  const found = query.useQuery("get", "/switches/{switch}", { params }, { staleTime: Number.POSITIVE_INFINITY });
  const [first, setFirst] = useState(found.data);
  if (found.data && !first) setFirst(found.data);
  const change = query.useMutation("put", "/switches/{switch}");
  const propose = query.useMutation("post", "/switches/{switch}/proposals");
  const back = `/switches/${key}`;
  const hasForms = useHasForms();
  const waiting = useWaiting("switch.change", key);
  const isActive = found.data?.state === "active";
  return (
    <PageFrame
      title={say("switches.editTitle", { key })}
      lead={found.data ? say(isActive ? "switches.editLeadActive" : "switches.editLeadDraft") : null}
      crumbs={[
        { title: say("switches.title"), to: "/switches" },
        { title: key, to: back },
      ]}
    >
      <Fetch of={{ ...found, data: first }}>
        {(one) =>
          hasForms && waiting !== undefined ? (
            <>
              <PendingChange kind="switch.change" target={key} />
              <SwitchForm
                initial={valuesOf(definitionOf(one))}
                canStage={isActive}
                onSubmit={async (definition, note, inStages) => {
                  const body = { definition, edition: one.edition, note };
                  if (inStages) {
                    const { edition } = await act(() => propose.mutateAsync({ params, body }));
                    message.success(say("switches.stagedSaved", { n: edition }));
                    navigate(`/releases/new?kind=switch&app=${encodeURIComponent(key)}&sequence=${edition}`);
                    return;
                  }
                  const done = await act(() => change.mutateAsync({ params, body }));
                  message.success(say(done.change ? "switches.proposed" : "switches.saved"));
                  navigate(back);
                }}
                onCancel={() => navigate(back)}
              />
            </>
          ) : (
            <Loading lines={8} />
          )
        }
      </Fetch>
    </PageFrame>
  );
}

type FormProps = {
  isNew?: boolean;
  initial: Values;
  /** An active switch may also be changed step by step, by a release. */
  canStage?: boolean;
  onSubmit: (definition: Record<string, unknown>, note: string, inStages: boolean) => Promise<unknown>;
  onCancel: () => void;
};
type Whole = Values & { json?: string; in_stages?: boolean };

function SwitchForm({ isNew = false, initial, canStage = false, onSubmit, onCancel }: FormProps) {
  const { say } = useText();
  const words = useProblemText();
  const [form] = Form.useForm<Whole>();
  const [view, setView] = useState<"form" | "json">("form");
  const [refused, setRefused] = useState<Problem | null>(null);
  const show = (next: "form" | "json") => {
    const done = next === "json" ? toJson(form) : toForm(form, isNew ? null : initial.key);
    if (!done) form.setFields([{ name: "json", errors: [say("switches.jsonFirst")] }]);
    else setView(next);
  };
  const wrongAt = (n: number) => {
    const at = refused ? placeInRule(refused.at, n) : null;
    return refused && at ? { at, sentence: words(refused).title } : null;
  };
  return (
    <ProblemForm<Whole>
      form={form}
      submit={isNew ? say("switches.createSubmit") : say("switches.save")}
      doneText=""
      initial={initial}
      byCode={{
        switch_exists: [view === "json" ? "json" : "key"],
        too_many_switches: [view === "json" ? "json" : "key"],
      }}
      rename={(path) => (view === "json" && path[0] === "definition" ? ["json"] : fieldOf(path))}
      onRefused={(_, problem) => setRefused(problem)}
      onSubmit={async () => {
        const values = form.getFieldsValue(true) as Whole;
        const definition = view === "json" ? (objectIn(values.json ?? "") ?? {}) : definitionIn(values);
        try {
          await onSubmit(definition, (values.note ?? "").trim(), values.in_stages === true);
        } catch (thrown) {
          throw placed(asProblem(thrown), values);
        }
      }}
      onCancel={onCancel}
    >
      <div className="stack" style={{ marginBottom: 18, maxWidth: 980 }}>
        <Segmented
          aria-label={say("switches.view")}
          value={view}
          onChange={show}
          options={[
            { value: "form", label: say("switches.viewForm") },
            { value: "json", label: say("switches.viewJson") },
          ]}
          style={{ alignSelf: "start" }}
        />
        {view === "form" ? (
          <>
            <Panel title={say("common.details")}>
              <WhatFields form={form} isNew={isNew} />
            </Panel>
            <Panel title={say("switches.variants")} hint={say("switches.variantsHint")}>
              <VariantsFields form={form} />
            </Panel>
            <Panel title={say("switches.rules")} hint={say("switches.rulesHint")}>
              <RulesFields form={form} wrongAt={wrongAt} />
            </Panel>
          </>
        ) : (
          <Panel title={say("switches.json")}>
            <Form.Item
              name="json"
              label={say("switches.json")}
              extra={refused?.at ? say("switches.wrongAt", { at: refused.at }) : undefined}
              required
              rules={[
                {
                  validator: async (_, text: string) => {
                    if (objectIn(text ?? "") === null) throw new Error(say("switches.jsonWrong"));
                  },
                },
              ]}
            >
              <Input.TextArea className="mono" autoSize={{ minRows: 16, maxRows: 40 }} spellCheck={false} />
            </Form.Item>
          </Panel>
        )}
        {isNew ? null : (
          <Panel title={say("switches.note")}>
            <Form.Item name="note" label={say("switches.note")} extra={say("switches.noteHint")}>
              <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} maxLength={2000} />
            </Form.Item>
            {canStage ? (
              <Form.Item name="in_stages" valuePropName="checked" extra={say("switches.inStagesHint")}>
                <Checkbox>{say("switches.inStages")}</Checkbox>
              </Form.Item>
            ) : null}
          </Panel>
        )}
      </div>
    </ProblemForm>
  );
}

function toJson(form: FormInstance<Whole>): boolean {
  const values = form.getFieldsValue(true) as Whole;
  form.setFieldValue("json", JSON.stringify(definitionIn(values), null, 2));
  return true;
}

/** Takes what was written over into the fields; false when it is no JSON object. */
function toForm(form: FormInstance<Whole>, key: string | null): boolean {
  const found = objectIn(form.getFieldValue("json") ?? "") as Definition | null;
  if (!found) return false;
  try {
    const { note: _, ...values } = valuesOf(found);
    form.setFieldsValue({ ...values, key: key ?? values.key } as never);
  } catch {
    return false;
  }
  return true;
}
