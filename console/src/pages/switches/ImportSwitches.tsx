/** Switches from a file: taken over whole or not at all; what waits for a second person is one change request. */

import { UploadOutlined } from "@ant-design/icons";
import { Button, Checkbox, Form, Input } from "antd";
import { useRef, useState } from "react";
import { Link } from "react-router";
import { query } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { components } from "../../api/schema";
import { useAct } from "../../app/useAct";
import { Dialog } from "../../design/Dialog";
import { FormDialog } from "../../design/FormDialog";
import { Tag } from "../../design/Small";
import type { Tone } from "../../design/tokens";
import { useText } from "../../i18n";
import { objectIn } from "./definition";
import "../audiences/audiences.css";

type Imported = components["schemas"]["ImportedOut"];
type Values = { file: string; activate: boolean; note: string };
const EXAMPLE = '{\n  "format": "sampan.switches/1",\n  "switches": []\n}';
const TONES: Record<string, Tone> = { created: "info", changed: "good", unchanged: "neutral", waits: "warn" };

export function ImportSwitches() {
  const { say, sayOr } = useText();
  const act = useAct();
  const take = query.useMutation("post", "/switch-file");
  const [result, setResult] = useState<Imported | null>(null);
  const [at, setAt] = useState("");
  return (
    <>
      <FormDialog<Values>
        label={say("switches.import")}
        icon={<UploadOutlined />}
        title={say("switches.importTitle")}
        lead={say("switches.importLead")}
        submit={say("switches.importSubmit")}
        width={680}
        doneText=""
        initial={{ file: EXAMPLE, activate: false, note: "" }}
        byCode={{ bad_switch: ["file"], too_many_switches: ["file"], wrong_switch_state: ["file"] }}
        rename={(path) => (path[0] === "activate" || path[0] === "note" ? path : ["file"])}
        onSubmit={async ({ file, activate, note }) => {
          const switches = switchesIn(file) ?? [];
          const body = { format: "sampan.switches/1" as const, switches, activate, note };
          setAt("");
          try {
            setResult(await act(() => take.mutateAsync({ body })));
          } catch (thrown) {
            setAt(asProblem(thrown).at);
            throw thrown;
          }
        }}
      >
        <Form.Item
          name="file"
          label={say("switches.importFile")}
          extra={at ? say("switches.wrongAt", { at }) : undefined}
          required
          rules={[
            {
              validator: async (_, text: string) => {
                if (switchesIn(text) === null) throw new Error(say("switches.importWrong"));
              },
            },
          ]}
        >
          <FileText />
        </Form.Item>
        <Form.Item name="activate" valuePropName="checked">
          <Checkbox>{say("switches.importActivate")}</Checkbox>
        </Form.Item>
        <Form.Item name="note" label={say("switches.note")} extra={say("switches.noteHint")}>
          <Input.TextArea autoSize={{ minRows: 2 }} maxLength={2000} />
        </Form.Item>
      </FormDialog>
      <Dialog isOpen={result !== null} title={say("switches.importDone")} onClose={() => setResult(null)}>
        <ul className="uses">
          {Object.entries(result?.done ?? {}).map(([key, what]) => (
            <li key={key} className="import-line">
              <Tag tone={TONES[what] ?? "neutral"}>{sayOr(`switches.import_${what}`, what)}</Tag>
              <Link className="mono wrap" to={`/switches/${key}`}>
                {key}
              </Link>
            </li>
          ))}
        </ul>
        {result?.change ? <Link to={`/changes/${result.change}`}>{say("common.seeChange")}</Link> : null}
      </Dialog>
    </>
  );
}

/** Returns the switches of an exported file, or null when the text is none. Pure. */
export function switchesIn(text: string): unknown[] | null {
  const { switches } = objectIn(text) ?? {};
  return Array.isArray(switches) ? switches : null;
}

/** A text that may come from a file. */
function FileText(props: { id?: string; value?: string; onChange?: (text: string) => void }) {
  const { say } = useText();
  const picker = useRef<HTMLInputElement>(null);
  const { value, onChange, ...field } = props;
  return (
    <div className="stack tight">
      <Input.TextArea
        {...field}
        className="mono"
        autoSize={{ minRows: 8, maxRows: 18 }}
        spellCheck={false}
        value={value}
        onChange={({ target }) => onChange?.(target.value)}
      />
      <input
        ref={picker}
        type="file"
        hidden
        accept=".json,application/json"
        aria-label={say("switches.importChoose")}
        onChange={async ({ target }) => {
          const [file] = target.files ?? [];
          target.value = "";
          if (file) onChange?.(await file.text());
        }}
      />
      <Button
        size="small"
        icon={<UploadOutlined />}
        style={{ alignSelf: "start" }}
        onClick={() => picker.current?.click()}
      >
        {say("switches.importChoose")}
      </Button>
    </div>
  );
}
