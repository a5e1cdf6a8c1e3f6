/** The fields of signing in that more than one form has. */

import { Form, Input, type InputProps } from "antd";
import { useText } from "../../i18n";

/** Six digits of an authenticator. */
export function CodeField({ size, extra }: { size?: InputProps["size"]; extra?: string }) {
  const { say } = useText();
  return (
    <Form.Item
      name="totp"
      label={say("session.totp")}
      extra={extra}
      rules={[{ required: true, pattern: /^\d{6}$/, message: say("session.totpForm") }]}
    >
      <Input
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={6}
        placeholder="000000"
        size={size}
        style={{ letterSpacing: "0.35em", fontVariantNumeric: "tabular-nums", maxWidth: 190 }}
      />
    </Form.Item>
  );
}

export function NewPasswordField({ name }: { name: string }) {
  const { say } = useText();
  return (
    <Form.Item
      name={name}
      label={say("session.newPassword")}
      extra={say("session.setupPasswordHint")}
      rules={[{ required: true }]}
    >
      <Input.Password autoComplete="new-password" />
    </Form.Item>
  );
}
