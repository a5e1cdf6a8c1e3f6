/** Customers from a file: what the file has to hold, how far its sending is, and what became of every line. */

import { StopOutlined, UploadOutlined } from "@ant-design/icons";
import { App, Button, Progress } from "antd";
import { useEffect, useRef, useState } from "react";
import { sendFile } from "../../api/client";
import { asProblem, Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { useAct } from "../../app/useAct";
import { Note, Panel, Tile } from "../../design/Blocks";
import { PageFrame } from "../../design/PageFrame";
import { type Column, PageTable } from "../../design/PageTable";
import { ProblemNote } from "../../design/ProblemText";
import { useLocalPages } from "../../design/pages";
import { bytes } from "../../design/size";
import { useText } from "../../i18n";
import { importType } from "./import";

type Result = components["schemas"]["ImportAnswer"];
type Refused = Result["refused"][number];

const EXAMPLE = "bank_reference,tier,name,phone,email,lang\nC-1001,registered,李华,+8613800000001,,zh\n";

export default function ImportPage() {
  const { say } = useText();
  const { message } = App.useApp();
  const act = useAct();
  const picker = useRef<HTMLInputElement>(null);
  const stop = useRef<AbortController | null>(null);
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const [result, setResult] = useState<Result | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const send = async (chosen: File) => {
    const type = importType(chosen.name);
    setResult(null);
    setProblem(null);
    setFile(chosen);
    if (type === null) return setProblem(new Problem(0, "import_format_unknown", say("customers.importKinds")));
    stop.current = new AbortController();
    setShare(0);
    try {
      const { signal } = stop.current;
      const answer = await act(() => sendFile<Result>("/customers/import", chosen, setShare, signal, type));
      setResult({ ...answer, refused: answer.refused.toSorted((one, other) => one.line - other.line) });
      if (answer.refused.length === 0) message.success(say("common.done"));
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setShare(null);
    }
  };

  return (
    <PageFrame
      title={say("customers.import")}
      lead={say("customers.importLead")}
      crumbs={[{ title: say("customers.title"), to: "/customers" }]}
    >
      <Panel title={say("customers.importFile")}>
        <div className="stack">
          <p>{say("customers.importColumns")}</p>
          <pre className="mono small wrap" style={{ whiteSpace: "pre-wrap", margin: 0 }}>
            {EXAMPLE}
          </pre>
          <p className="muted">{say("customers.importRule")}</p>
          <input
            ref={picker}
            type="file"
            hidden
            accept=".csv,.ndjson,.jsonl"
            aria-label={say("customers.importFile")}
            onChange={(event) => {
              const chosen = event.target.files?.[0];
              event.target.value = "";
              if (chosen) send(chosen);
            }}
          />
          <div className="row">
            <Button
              type="primary"
              icon={<UploadOutlined />}
              disabled={share !== null}
              onClick={() => picker.current?.click()}
            >
              {say("customers.importChoose")}
            </Button>
            {share !== null ? (
              <Button icon={<StopOutlined />} onClick={() => stop.current?.abort()}>
                {say("customers.importStop")}
              </Button>
            ) : null}
            {file ? (
              <span className="muted wrap">
                {file.name} · {bytes(file.size)}
              </span>
            ) : null}
          </div>
          <div aria-live="polite">
            {share !== null ? (
              <>
                <Progress percent={Math.round(share * 100)} aria-label={say("customers.importSending")} />
                <span className="small muted">
                  {say(share < 1 ? "customers.importSending" : "customers.importWorking")}
                </span>
              </>
            ) : null}
            {problem ? <ProblemNote problem={problem} /> : null}
          </div>
        </div>
      </Panel>
      {result ? <Outcome result={result} /> : null}
    </PageFrame>
  );
}

function Outcome({ result }: { result: Result }) {
  const { say, sayOr, language } = useText();
  const { rows, pages } = useLocalPages(result.refused, result);
  const columns: Column<Refused>[] = [
    {
      key: "line",
      title: say("customers.importLine"),
      render: (row) => <span className="strong num">{row.line}</span>,
    },
    { key: "reference", title: say("customers.reference"), render: (row) => row.bank_reference ?? "—" },
    {
      key: "why",
      title: say("common.reason"),
      render: (row) => (
        <>
          <span className="wrap">{language === "en" ? row.detail : sayOr(`problems.${row.code}`, row.detail)}</span>
          <div>
            <code className="sub">{row.code}</code>
          </div>
        </>
      ),
    },
  ];
  return (
    <>
      <div className="tiles">
        <Tile label={say("customers.importCreated")} value={result.created} tone="good" />
        <Tile label={say("customers.importChanged")} value={result.changed} tone="info" />
        <Tile label={say("customers.importSame")} value={result.unchanged} />
        <Tile
          label={say("customers.importRefused")}
          value={result.refused.length}
          tone={result.refused.length > 0 ? "bad" : "good"}
        />
      </div>
      {result.stopped_at_line === null ? null : (
        <Note tone="bad">{say("customers.importStopped", { line: result.stopped_at_line })}</Note>
      )}
      {result.refused.length > 0 ? (
        <Panel title={say("customers.importRefused")} hint={say("customers.importRefusedHint")} flush>
          <PageTable
            label={say("customers.importRefused")}
            columns={columns}
            rows={rows}
            rowKey={(row) => String(row.line)}
            pages={pages}
          />
        </Panel>
      ) : null}
    </>
  );
}
