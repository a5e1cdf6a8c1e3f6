/** A place for one file: dropped, or chosen with a button that the keyboard reaches. */

import { UploadOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useRef, useState } from "react";
import { useText } from "../i18n";
import "./drop-file.css";

export function DropFile(props: {
  label: string;
  hint?: string;
  accept: string;
  disabled?: boolean;
  onFile: (file: File) => void;
}) {
  const { label, accept, disabled = false, onFile } = props;
  const { say } = useText();
  const picker = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const take = (files: FileList | null) => {
    const [file] = files ?? [];
    if (file && !disabled) onFile(file);
  };
  return (
    <fieldset
      className={isOver ? "drop-file over" : "drop-file"}
      aria-label={label}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(!disabled);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files);
      }}
    >
      <input
        ref={picker}
        type="file"
        hidden
        accept={accept}
        aria-label={label}
        onChange={(event) => {
          take(event.target.files);
          event.target.value = "";
        }}
      />
      <span className="muted">{props.hint ?? say("apps.submitDrop")}</span>
      <Button icon={<UploadOutlined />} disabled={disabled} onClick={() => picker.current?.click()}>
        {say("apps.submitChoose")}
      </Button>
    </fieldset>
  );
}
