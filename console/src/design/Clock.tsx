/** A time of day as a form's value in minutes since midnight; as an end, midnight is that of the next day. */

import { Input } from "antd";
import { useState } from "react";

const DAY = 24 * 60;

export function Clock(props: {
  id?: string;
  value?: number;
  onChange?: (value: number | undefined) => void;
  isEnd?: boolean;
  "aria-invalid"?: "true";
  "aria-describedby"?: string;
  "aria-required"?: "true";
}) {
  const { value, onChange, isEnd, ...rest } = props;
  const [typed, setTyped] = useState(() => textOf(value));
  return (
    <Input
      {...rest}
      type="time"
      className="clock"
      value={value === undefined ? typed : textOf(value)}
      onChange={({ target }) => {
        setTyped(target.value);
        const [hours = Number.NaN, minutes = 0] = target.value.split(":").map(Number);
        const at = hours * 60 + minutes;
        onChange?.(Number.isNaN(at) || target.value === "" ? undefined : isEnd && at === 0 ? DAY : at);
      }}
    />
  );
}

function textOf(minute: number | undefined): string {
  if (minute === undefined) return "";
  const at = minute % DAY;
  return `${String(Math.floor(at / 60)).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`;
}
