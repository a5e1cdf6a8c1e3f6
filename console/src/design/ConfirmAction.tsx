/** A button that asks before it acts: what will happen, why (kept for the audit), and where needed a fresh code.
 *
 * The second factor is asked by the client itself, whenever the server wants it (see api/client.ts).
 */

import { App, Button, type ButtonProps, Form, Input } from "antd";
import { type ReactNode, useState } from "react";
import { useText } from "../i18n";
import { Dialog } from "./Dialog";
import { ProblemForm } from "./ProblemForm";

export function ConfirmAction(props: {
  label: string;
  title: string;
  what: ReactNode;
  submit?: string;
  danger?: boolean;
  type?: ButtonProps["type"];
  icon?: ReactNode;
  size?: ButtonProps["size"];
  disabled?: boolean;
  /** Asks for a reason: `required`, `optional` or not at all. */
  reason?: "required" | "optional";
  /** The server's name of the reason's field. */
  reasonField?: string;
  reasonLabel?: string;
  done?: string;
  /** What the fields among the children begin with. */
  initial?: Readonly<Record<string, unknown>>;
  /** Fields of the refusals that name no field. */
  byCode?: Readonly<Record<string, (string | number)[]>>;
  onConfirm: (reason: string, values: Record<string, unknown>) => Promise<unknown>;
  /** More to read, or fields of the form. */
  children?: ReactNode;
}) {
  const { say } = useText();
  const { message } = App.useApp();
  const [isOpen, setOpen] = useState(false);
  const field = props.reasonField ?? "reason";
  const close = () => setOpen(false);
  return (
    <>
      <Button
        danger={props.danger}
        type={props.type ?? "default"}
        icon={props.icon}
        size={props.size ?? "middle"}
        disabled={props.disabled}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        {props.label}
      </Button>
      <Dialog isOpen={isOpen} title={props.title} onClose={close} width={500}>
        <div className="wrap">{props.what}</div>
        <ProblemForm<Record<string, unknown>>
          submit={props.submit ?? props.label}
          danger={props.danger}
          doneText=""
          onCancel={close}
          initial={props.initial}
          byCode={props.byCode}
          onSubmit={(values) => props.onConfirm(String(values[field] ?? "").trim(), values)}
          onDone={() => {
            close();
            message.success(props.done ?? say("common.done"));
          }}
        >
          {props.children ? <div style={{ marginBottom: 16 }}>{props.children}</div> : null}
          {props.reason ? (
            <Form.Item
              name={field}
              label={props.reasonLabel ?? say("common.reason")}
              extra={say("common.reasonHint")}
              rules={[{ required: props.reason === "required", whitespace: props.reason === "required" }]}
            >
              <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} maxLength={2000} />
            </Form.Item>
          ) : null}
        </ProblemForm>
      </Dialog>
    </>
  );
}
