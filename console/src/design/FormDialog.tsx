/** A button that opens a form; the form closes when the server took it. */

import { Button, type ButtonProps } from "antd";
import { type ReactNode, useState } from "react";
import { Dialog } from "./Dialog";
import { ProblemForm } from "./ProblemForm";

export function FormDialog<Values extends object>(props: {
  label: string;
  title: string;
  lead?: ReactNode;
  submit: string;
  type?: ButtonProps["type"];
  icon?: ReactNode;
  size?: ButtonProps["size"];
  width?: number;
  initial?: Partial<Values>;
  byCode?: Readonly<Record<string, (string | number)[]>>;
  rename?: (path: (string | number)[]) => (string | number)[];
  doneText?: string;
  disabled?: boolean;
  /** Gets what was entered, and what the form began with. */
  onSubmit: (values: Values, began: Partial<Values>) => Promise<unknown>;
  children: ReactNode;
}) {
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <Button
        type={props.type ?? "default"}
        icon={props.icon}
        size={props.size ?? "middle"}
        disabled={props.disabled}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        {props.label}
      </Button>
      <Dialog isOpen={isOpen} title={props.title} onClose={close} {...(props.width ? { width: props.width } : {})}>
        {props.lead ? <p className="muted">{props.lead}</p> : null}
        <ProblemForm<Values>
          submit={props.submit}
          initial={props.initial}
          byCode={props.byCode}
          rename={props.rename}
          doneText={props.doneText}
          onCancel={close}
          onDone={close}
          onSubmit={props.onSubmit}
        >
          {props.children}
        </ProblemForm>
      </Dialog>
    </>
  );
}
