/** A moment as a form's value in milliseconds, entered in the reader's own time zone; typed or chosen. */

import { Input } from "antd";
import dayjs from "dayjs";
import { useState } from "react";

const FORM = "YYYY-MM-DDTHH:mm";

export function Moment(props: {
  id?: string;
  label?: string;
  value?: number | null;
  onChange?: (value: number | null) => void;
  "aria-invalid"?: "true";
  "aria-describedby"?: string;
  "aria-required"?: "true";
}) {
  const { value, onChange, label, ...rest } = props;
  const [typed, setTyped] = useState(() => textOf(value));
  // What is half typed is no moment yet and must stay as it is.
  const shown = value == null || textOf(value) === typed ? typed : textOf(value);
  return (
    <Input
      {...rest}
      {...(label ? { "aria-label": label } : {})}
      type="datetime-local"
      className="moment"
      value={shown}
      onChange={({ target }) => {
        setTyped(target.value);
        const at = dayjs(target.value, FORM);
        onChange?.(target.value !== "" && at.isValid() ? at.valueOf() : null);
      }}
    />
  );
}

function textOf(ms: number | null | undefined): string {
  return ms == null ? "" : dayjs(ms).format(FORM);
}
