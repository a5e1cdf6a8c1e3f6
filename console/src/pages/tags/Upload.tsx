/** A file of ids sent into a tag: how far the sending is; what becomes of its lines is told by the list of imports. */

import { StopOutlined } from "@ant-design/icons";
import { App, Button, Progress, Radio } from "antd";
import { useEffect, useRef, useState } from "react";
import { sendFile } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { useAct } from "../../app/useAct";
import { Panel } from "../../design/Blocks";
import { Dialog } from "../../design/Dialog";
import { DropFile } from "../../design/DropFile";
import { ProblemNote } from "../../design/ProblemText";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { COLUMNS } from "./ids";
import { type Tag, type TagImport, useCount } from "./states";
import "../audiences/audiences.css";

const MODES = ["add", "remove", "replace"] as const;
type Mode = (typeof MODES)[number];
const EXAMPLE = "bank_reference\nCIF-1001\nCIF-1002";

export function Upload({ tag }: { tag: Tag }) {
  const { say } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const count = useCount();
  const stop = useRef<AbortController | null>(null);
  const [mode, setMode] = useState<Mode>("add");
  const [file, setFile] = useState<File | null>(null);
  const [asked, setAsked] = useState<File | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const send = async (chosen: File) => {
    setAsked(null);
    setProblem(null);
    setFile(chosen);
    stop.current = new AbortController();
    setShare(0);
    const { signal } = stop.current;
    try {
      const path = `/tags/${encodeURIComponent(tag.name)}/imports?mode=${mode}`;
      await act(() => sendFile<TagImport>(path, chosen, setShare, signal, "text/csv"));
      message.success(say("tags.sent"));
      setFile(null);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setShare(null);
    }
  };

  return (
    <Panel title={say("tags.upload")} hint={say("tags.uploadHint")}>
      <div className="stack">
        <fieldset className="plain" aria-label={say("tags.mode")}>
          <Radio.Group className="presets three" value={mode} onChange={({ target }) => setMode(target.value)}>
            {MODES.map((name) => (
              <Radio key={name} value={name} disabled={share !== null}>
                <span className="strong">{say(`tags.mode_${name}`)}</span>
                <span className="small muted block">{say(`tags.modeHint_${name}`)}</span>
              </Radio>
            ))}
          </Radio.Group>
        </fieldset>
        <DropFile
          label={say("tags.upload")}
          hint={say("tags.uploadDrop")}
          accept=".csv,.txt,text/csv"
          disabled={share !== null}
          onFile={(chosen) => (mode === "replace" && tag.members > 0 ? setAsked(chosen) : send(chosen))}
        />
        <div aria-live="polite">
          {share !== null && file ? (
            <div className="stack tight">
              <div className="row between">
                <span className="wrap">
                  {say("tags.sending", { file: file.name })} · {bytes(file.size)}
                </span>
                <Button size="small" icon={<StopOutlined />} onClick={() => stop.current?.abort()}>
                  {say("tags.sendStop")}
                </Button>
              </div>
              <Progress percent={Math.round(share * 100)} aria-label={say("tags.sending", { file: file.name })} />
            </div>
          ) : null}
          {problem ? (
            <>
              <ProblemNote problem={problem} />
              {file ? <p className="small muted wrap">{file.name}</p> : null}
            </>
          ) : null}
        </div>
        <div className="with-example">
          <div className="stack tight small muted">
            <p>{say("tags.uploadColumns", { columns: COLUMNS.join(" / ") })}</p>
            <p>{say("tags.uploadWhole")}</p>
          </div>
          <pre className="code example">{EXAMPLE}</pre>
        </div>
      </div>
      <Dialog isOpen={asked !== null} title={say("tags.replaceTitle")} onClose={() => setAsked(null)}>
        <p className="wrap">{say("tags.replaceWhat", { file: asked?.name ?? "", n: count(tag.members) })}</p>
        <div className="row">
          <Button type="primary" danger onClick={() => asked && send(asked)}>
            {say("tags.replaceSubmit")}
          </Button>
          <Button data-harmless onClick={() => setAsked(null)}>
            {say("common.cancel")}
          </Button>
        </div>
      </Dialog>
    </Panel>
  );
}
