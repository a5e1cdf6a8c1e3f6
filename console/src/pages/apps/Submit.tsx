/** A new version from the console: the package first, judged at once; then its signatures, made where the key is. */

import { UploadOutlined } from "@ant-design/icons";
import { App, Button, Checkbox, Progress } from "antd";
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { api, query, sendFile } from "../../api/client";
import { asProblem, Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { useAct } from "../../app/useAct";
import { Note } from "../../design/Blocks";
import { Dialog } from "../../design/Dialog";
import { DropFile } from "../../design/DropFile";
import { ProblemNote } from "../../design/ProblemText";
import { CopyId } from "../../design/Small";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { Checks } from "./Checks";
import { isPackageName, readSigned, shellWord, signedName } from "./submit";

type Inspection = components["schemas"]["InspectionOut"];
type Held = { upload: string; file: File; seen: Inspection };

export function Submit({ app }: { app: string }) {
  const { say } = useText();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button icon={<UploadOutlined />} onClick={() => setOpen(true)}>
        {say("apps.submitNew")}
      </Button>
      <Dialog isOpen={isOpen} title={say("apps.submitNew")} onClose={() => setOpen(false)} width={760}>
        <Steps app={app} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Steps({ app, onDone }: { app: string; onDone: () => void }) {
  const { say } = useText();
  const stop = useRef<AbortController | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [held, setHeld] = useState<Held | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const send = async (file: File) => {
    setHeld(null);
    setProblem(null);
    setName(file.name);
    if (!isPackageName(file.name)) {
      return setProblem(new Problem(0, "not_a_package", say("apps.submitKindPackage")));
    }
    stop.current = new AbortController();
    const { signal } = stop.current;
    setShare(0);
    try {
      const { upload } = await sendFile<components["schemas"]["UploadOut"]>("/uploads", file, setShare, signal);
      setShare(1);
      const params = { path: { app, upload } };
      const { data: seen } = await api.POST("/apps/{app}/uploads/{upload}/inspect", { params, signal });
      if (seen !== undefined) setHeld({ upload, file, seen });
    } catch (thrown) {
      if (!signal.aborted) setProblem(asProblem(thrown));
    } finally {
      setShare(null);
    }
  };

  return (
    <>
      <p className="muted">{say("apps.submitLead")}</p>
      <h3 className="strong">{say("apps.submitPackage")}</h3>
      <DropFile label={say("apps.submitPackage")} accept=".ma,.zip" disabled={share !== null} onFile={send} />
      {name === "" ? (
        <div>
          <div className="small muted">{say("apps.submitPack")}</div>
          <CopyId value={`sampan pack DIST --id ${app} --next`} whole />
        </div>
      ) : (
        <span className="muted wrap">{name}</span>
      )}
      <div aria-live="polite" className="stack tight">
        {share === null ? null : (
          <>
            <Progress percent={Math.round(share * 100)} aria-label={say("apps.submitSending")} />
            <span className="row">
              <span className="small muted">{say(share < 1 ? "apps.submitSending" : "apps.submitChecking")}</span>
              <Button size="small" onClick={() => stop.current?.abort()}>
                {say("apps.submitStop")}
              </Button>
            </span>
          </>
        )}
        <ProblemNote problem={problem} />
        {held ? <Seen held={held} /> : null}
      </div>
      {held?.seen.ok && held.seen.known === null ? <Sign app={app} held={held} onDone={onDone} /> : null}
    </>
  );
}

function Seen({ held }: { held: Held }) {
  const { say } = useText();
  const { seen } = held;
  const { name, version, sequence, files } = seen;
  return (
    <>
      <Note tone={seen.known !== null ? "warn" : seen.ok ? "good" : "bad"}>
        <div className="strong">
          {say("apps.submitHolds", { name: name || seen.app, version, sequence, files })} · {bytes(seen.size_bytes)}
        </div>
        <div>
          {seen.known !== null ? say("apps.submitKnown") : say(!seen.ok ? "apps.submitStopped" : "apps.submitClean")}
        </div>
      </Note>
      {seen.findings.length > 0 ? <Checks findings={seen.findings} /> : null}
    </>
  );
}

function Sign({ app, held, onDone }: { app: string; held: Held; onDone: () => void }) {
  const { say } = useText();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const act = useAct();
  const submit = query.useMutation("post", "/apps/{app}/versions");
  const [isUrgent, setUrgent] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { file, seen, upload } = held;
  const command = `sampan publish ${shellWord(file.name)} --key publisher.pem`;

  const give = async (chosen: File) => {
    setProblem(null);
    const signed = readSigned(await chosen.text());
    if (signed === null) return setProblem(new Problem(0, "not_signed_bodies", say("apps.submitKindSigned")));
    if (signed.digest !== seen.digest) {
      return setProblem(new Problem(0, "signed_another_package", say("apps.submitOtherPackage")));
    }
    try {
      const body = { upload, index: seen.index, bodies: signed.bodies, urgent: isUrgent };
      const made = await act(() => submit.mutateAsync({ params: { path: { app } }, body }));
      message.success(say("apps.submitDone"));
      onDone();
      navigate(`/apps/${app}/versions/${made.sequence}`);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
  };

  return (
    <>
      <h3 className="strong">{say("apps.submitSign")}</h3>
      <div>
        <CopyId value={`${command} --out ${shellWord(signedName(file.name))}`} whole />
        <div className="small muted">{say("apps.submitSignHint")}</div>
      </div>
      <h3 className="strong">{say("apps.submitSigned")}</h3>
      <Checkbox checked={isUrgent} onChange={(event) => setUrgent(event.target.checked)}>
        {say("apps.submitUrgent")}
      </Checkbox>
      <DropFile label={say("apps.submitSigned")} accept=".json" disabled={submit.isPending} onFile={give} />
      <div aria-live="polite">
        <ProblemNote problem={problem} />
      </div>
      <div>
        <div className="small muted">{say("apps.submitAtOnce")}</div>
        <CopyId value={`${command} --wait`} whole />
      </div>
    </>
  );
}
