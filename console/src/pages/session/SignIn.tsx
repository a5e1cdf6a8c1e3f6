/** Sign-in with password and one-time code: a page at first, a dialog over the page when a session ended. */

import { SwapOutlined } from "@ant-design/icons";
import { Button, Form, Input } from "antd";
import { useEffect, useState } from "react";
import { query } from "../../api/client";
import { chooseWorkspace, chosenWorkspace, isWorkspaceId, knownWorkspaces } from "../../api/workspace";
import { Dialog } from "../../design/Dialog";
import { ProblemForm } from "../../design/ProblemForm";
import { useText } from "../../i18n";
import { LanguageButton } from "../../layout/LanguageButton";
import { Mark } from "../../layout/Mark";
import { CodeField } from "./Fields";
import "./sign-in.css";

type Values = { email: string; password: string; totp: string };

function SignInForm({ email, onDone }: { email?: string; onDone: () => void }) {
  const { say } = useText();
  const begin = query.useMutation("post", "/session");
  return (
    <ProblemForm<Values>
      submit={say("session.submit")}
      doneText=""
      initial={email ? { email } : {}}
      onSubmit={(values) => begin.mutateAsync({ body: { ...values, kind: "cookie" } })}
      onDone={onDone}
    >
      <Form.Item name="email" label={say("session.email")} rules={[{ required: true }]}>
        <Input type="email" autoComplete="username" autoFocus={!email} size="large" />
      </Form.Item>
      <Form.Item name="password" label={say("session.password")} rules={[{ required: true }]}>
        <Input.Password autoComplete="current-password" autoFocus={Boolean(email)} size="large" />
      </Form.Item>
      <CodeField size="large" extra={say("session.totpHint")} />
    </ProblemForm>
  );
}

export function SignInDialog({ email, onDone }: { email: string; onDone: () => void }) {
  const { say } = useText();
  return (
    <Dialog isOpen title={say("session.expired")} width={420} zIndex={1600}>
      <p className="muted">{say("session.expiredHint")}</p>
      <SignInForm email={email} onDone={onDone} />
    </Dialog>
  );
}

export function SignInPage({ onDone }: { onDone: () => void }) {
  const { say } = useText();
  const [isChoosing, setChoosing] = useState(false);
  const workspace = chosenWorkspace();
  useEffect(() => {
    document.title = `${say("session.title")} · sampan`;
  }, [say]);
  return (
    <div className="door">
      <aside className="door-side">
        <div className="door-brand">
          <Mark size={34} /> sampan
        </div>
        <p>{say("session.lead")}</p>
        <svg className="door-water" viewBox="0 0 600 160" preserveAspectRatio="none" aria-hidden="true">
          <path d="M0 60c100-44 200 30 300 0s200-34 300 4v96H0z" fill="#12403f" />
          <path d="M0 96c110-34 190 22 300 4s190-38 300-2v62H0z" fill="#175150" />
          <path d="M0 128c90-16 210 12 300 2s210-22 300-2v32H0z" fill="#1d6361" />
        </svg>
      </aside>
      <main className="door-main">
        <div className="door-top">
          <LanguageButton />
        </div>
        <div className="door-form">
          <h1>{say("session.title")}</h1>
          <p className="muted">
            {workspace ? say("session.workspace", { workspace }) : say("session.workspaceDefault")}{" "}
            <Button type="link" size="small" icon={<SwapOutlined />} onClick={() => setChoosing(true)}>
              {say("frame.switchWorkspace")}
            </Button>
          </p>
          <SignInForm onDone={onDone} />
          <p className="small muted">
            <a href="/console/setup">{say("session.setUp")}</a>
          </p>
        </div>
      </main>
      <WorkspaceDialog isOpen={isChoosing} onClose={() => setChoosing(false)} />
    </div>
  );
}

type Choice = { id: string; name: string };

/** Goes to another workspace: those where the reader has an account, those used here before, or any by its id. */
export function WorkspaceDialog(props: { isOpen: boolean; onClose: () => void; choices?: readonly Choice[] }) {
  const { isOpen, onClose, choices = [] } = props;
  const { say } = useText();
  const go = (id: string) => {
    chooseWorkspace(id);
    location.assign("/console/");
  };
  return (
    <Dialog isOpen={isOpen} title={say("frame.switchWorkspace")} onClose={onClose} width={440}>
      <p className="muted">{say("frame.workspaceHint")}</p>
      <div className="row">
        <Button onClick={() => go("")}>{say("frame.workspaceDefault")}</Button>
        {choices.map((choice) => (
          <Button key={choice.id} onClick={() => go(choice.id)}>
            {choice.name || choice.id}
          </Button>
        ))}
        {knownWorkspaces()
          .filter((id) => !choices.some((choice) => choice.id === id))
          .map((id) => (
            <Button key={id} onClick={() => go(id)}>
              {id}
            </Button>
          ))}
      </div>
      <ProblemForm<{ id: string }>
        submit={say("session.setupOpen")}
        doneText=""
        onSubmit={async ({ id }) => go(id)}
        onCancel={onClose}
      >
        <Form.Item
          name="id"
          label={say("frame.workspaceId")}
          rules={[
            {
              required: true,
              validator: async (_, value: string) => {
                if (!isWorkspaceId(value ?? "")) throw new Error(say("frame.workspaceForm"));
              },
            },
          ]}
        >
          <Input autoFocus spellCheck={false} autoCapitalize="none" />
        </Form.Item>
      </ProblemForm>
    </Dialog>
  );
}
