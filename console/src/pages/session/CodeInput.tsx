/** Six digits of an authenticator. */

import { Input, type InputProps } from "antd";

export function CodeInput(props: InputProps) {
  return (
    <Input
      inputMode="numeric"
      autoComplete="one-time-code"
      maxLength={6}
      placeholder="000000"
      style={{ letterSpacing: "0.35em", fontVariantNumeric: "tabular-nums", maxWidth: 190 }}
      {...props}
    />
  );
}
