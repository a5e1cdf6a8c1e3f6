/** A saved audience made or changed: name, rule and how many it reaches. A change is a request to a second person. */

import { App, Form, Input } from "antd";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { query } from "../../api/client";
import type { Problem } from "../../api/problem";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { ProblemForm } from "../../design/ProblemForm";
import { useProblemText } from "../../design/ProblemText";
import { Fetch, Loading } from "../../design/States";
import { useText } from "../../i18n";
import { Estimate } from "../../rules/Estimate";
import { BROKEN, RuleOrJson } from "../../rules/RuleOrJson";
import { useHasForms } from "../../rules/ruleForms";
import { EVERYBODY, missingIn, type Rule } from "../../rules/rules";
import type { Saved } from "./Audiences";
import { PendingChange, useWaiting } from "./PendingChange";

const KIND = "audience.change";
type Values = { name: string; note: string; audience: Rule };

export default function EditAudience() {
  const { audience } = useParams();
  return audience ? <Existing id={audience} /> : <NewAudience />;
}

function NewAudience() {
  const { say } = useText();
  const act = useAct();
  const navigate = useNavigate();
  const create = query.useMutation("post", "/audiences");
  return (
    <PageFrame
      title={say("audiences.create")}
      lead={say("audiences.createLead")}
      crumbs={[{ title: say("audiences.title"), to: "/audiences" }]}
    >
      <AudienceForm
        isNew
        initial={{ name: "", note: "", audience: EVERYBODY }}
        onSubmit={async (body) => {
          const made = await act(() => create.mutateAsync({ body }));
          navigate(`/audiences/${made.id}`);
        }}
        onCancel={() => navigate("/audiences")}
      />
    </PageFrame>
  );
}

function Existing({ id }: { id: string }) {
  const { say } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const navigate = useNavigate();
  const params = { path: { audience_id: id } };
  // What is being edited is what was there at first: a change of somebody else meanwhile is refused, not overwritten.
  const found = query.useQuery("get", "/audiences/{audience_id}", { params }, { staleTime: Number.POSITIVE_INFINITY });
  const [first, setFirst] = useState(found.data);
  if (found.data && !first) setFirst(found.data);
  const change = query.useMutation("put", "/audiences/{audience_id}");
  const hasForms = useHasForms();
  const waiting = useWaiting(KIND, id);
  const isReady = hasForms && waiting !== undefined;
  const back = `/audiences/${id}`;
  const crumbs = [
    { title: say("audiences.title"), to: "/audiences" },
    { title: found.data?.name ?? "…", to: back },
  ];
  return (
    <PageFrame title={say("audiences.editTitle")} lead={say("audiences.editLead")} crumbs={crumbs}>
      <Fetch of={{ ...found, data: first }}>
        {(saved: Saved) =>
          isReady ? (
            <>
              <PendingChange kind={KIND} target={id} />
              <AudienceForm
                initial={{ name: saved.name, note: saved.note, audience: saved.audience }}
                onSubmit={async (values) => {
                  const body = { ...values, edition: saved.edition };
                  await act(() => change.mutateAsync({ params, body }));
                  message.success(say("audiences.proposed"));
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

function AudienceForm(props: {
  isNew?: boolean;
  initial: Values;
  onSubmit: (values: Values) => Promise<unknown>;
  onCancel: () => void;
}) {
  const { say } = useText();
  const words = useProblemText();
  const [form] = Form.useForm<Values>();
  const [refused, setRefused] = useState<Problem | null>(null);
  const rule = Form.useWatch("audience", form) ?? props.initial.audience;
  return (
    <Panel title={say("audiences.who")}>
      <ProblemForm<Values>
        form={form}
        submit={props.isNew ? say("audiences.create") : say("audiences.propose")}
        doneText=""
        initial={props.initial}
        rename={(path) => path.slice(0, 1)}
        onRefused={(_, problem) => setRefused(problem)}
        onSubmit={props.onSubmit}
        onCancel={props.onCancel}
      >
        <div className="with-estimate">
          <div>
            <Form.Item name="name" label={say("common.name")} rules={[{ required: true, whitespace: true }]}>
              <Input maxLength={200} />
            </Form.Item>
            <Form.Item
              name="audience"
              label={say("audiences.rule")}
              required
              validateTrigger={[]}
              rules={[
                {
                  validator: async (_, value: Rule) => {
                    if (value === BROKEN) throw new Error(say("audiences.ruleJsonWrong"));
                    if (missingIn(value) !== null) throw new Error(say("rules.incomplete"));
                  },
                },
              ]}
            >
              <RuleOrJson
                label={say("audiences.rule")}
                wrong={refused?.at ? { at: refused.at, sentence: words(refused).title } : null}
                onChange={() => {
                  setRefused(null);
                  form.setFields([{ name: "audience", errors: [] }]);
                }}
              />
            </Form.Item>
            <Form.Item name="note" label={say("audiences.note")} extra={say("audiences.noteHint")}>
              <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} maxLength={2000} />
            </Form.Item>
          </div>
          <Estimate rule={rule} />
        </div>
      </ProblemForm>
    </Panel>
  );
}
