/** First use of an account, or use after a reset: enrol an authenticator, choose a password. */

import { Form, Input } from "antd";
import { toDataURL } from "qrcode";
import { useEffect, useState } from "react";
import { api, query } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { Note } from "../../design/Blocks";
import { ProblemForm } from "../../design/ProblemForm";
import { ProblemNote } from "../../design/ProblemText";
import { CopyId } from "../../design/Small";
import { useText } from "../../i18n";
import { LanguageButton } from "../../layout/LanguageButton";
import { CodeField, NewPasswordField } from "./Fields";
import "./sign-in.css";

type Enrolment = components["schemas"]["EnrolmentView"];

export default function SetUp() {
  const { say } = useText();
  const [link, setLink] = useState(() => new URLSearchParams(location.hash.slice(1)).get("link") ?? "");
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [isDone, setDone] = useState(false);
  return (
    <main className="door-main" style={{ minHeight: "100dvh", background: "var(--surface)" }}>
      <div className="door-top">
        <LanguageButton />
      </div>
      <div className="door-form">
        <h1>{say("session.setupTitle")}</h1>
        {isDone ? (
          <Note tone="good">
            <a href="/console/">{say("session.setupDone")}</a>
          </Note>
        ) : enrolment ? (
          <Enrol link={link} enrolment={enrolment} onDone={() => setDone(true)} />
        ) : (
          <Open
            link={link}
            onOpen={(text, found) => {
              setLink(text);
              setEnrolment(found);
            }}
          />
        )}
      </div>
    </main>
  );
}

function Open({ link, onOpen }: { link: string; onOpen: (link: string, found: Enrolment) => void }) {
  const { say } = useText();
  const [problem, setProblem] = useState<Problem | null>(null);
  const open = async (text: string) => {
    const { data } = await api.POST("/setup/begin", { body: { link: text } });
    if (data) onOpen(text, data);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link in the address is opened once
  useEffect(() => {
    if (link) open(link).catch((thrown) => setProblem(asProblem(thrown)));
  }, []);
  return (
    <>
      <ProblemNote problem={problem} />
      <ProblemForm<{ link: string }>
        submit={say("session.setupOpen")}
        doneText=""
        initial={{ link }}
        byCode={{ setup_link_invalid: ["link"] }}
        onSubmit={(values) => open(values.link.trim())}
      >
        <Form.Item name="link" label={say("session.setupLink")} rules={[{ required: true }]}>
          <Input spellCheck={false} />
        </Form.Item>
      </ProblemForm>
    </>
  );
}

type Values = { password: string; totp: string };

function Enrol({ link, enrolment, onDone }: { link: string; enrolment: Enrolment; onDone: () => void }) {
  const { say } = useText();
  const [image, setImage] = useState("");
  const finish = query.useMutation("post", "/setup/finish");
  useEffect(() => {
    toDataURL(enrolment.totp_uri, { margin: 2, scale: 5 }).then(setImage);
  }, [enrolment.totp_uri]);
  return (
    <div className="stack">
      <p className="muted">
        {enrolment.name} · {enrolment.email}
      </p>
      <div className="stack tight">
        <strong>{say("session.setupScan")}</strong>
        {image ? <img src={image} alt={say("session.setupScan")} width={170} height={170} /> : null}
        <span className="small muted">{say("session.setupSecret")}</span>
        <CopyId value={enrolment.totp_secret} whole />
      </div>
      <strong>{say("session.setupChoose")}</strong>
      <ProblemForm<Values>
        submit={say("session.setupTitle")}
        doneText=""
        byCode={{ bad_password: ["password"], wrong_code: ["totp"] }}
        onSubmit={(values) => finish.mutateAsync({ body: { link, ...values } })}
        onDone={onDone}
      >
        <NewPasswordField name="password" />
        <CodeField />
      </ProblemForm>
    </div>
  );
}
