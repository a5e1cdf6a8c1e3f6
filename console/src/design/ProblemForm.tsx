/** A form that shows each refusal of the server at the field where it belongs, and the rest above. */

import { App, Button, Form, type FormInstance } from "antd";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { asProblem, fieldPath, type Problem } from "../api/problem";
import { focusFirst } from "../app/focus";
import { useText } from "../i18n";
import { ProblemNote } from "./ProblemText";

type Path = (string | number)[];

/** Returns the problem's errors by form field; `byCode` places a named refusal that has no list of fields. */
export function placeErrors(
  problem: Problem,
  sentence: (code: string, message: string) => string,
  byCode: Readonly<Record<string, Path>> = {},
): { name: Path; errors: string[] }[] {
  const own = byCode[problem.code];
  if (own) return [{ name: own, errors: [sentence(problem.code, problem.detail)] }];
  return problem.errors.flatMap((error) => {
    const name = fieldPath(error.field);
    return name === null ? [] : [{ name, errors: [sentence(error.code, error.message)] }];
  });
}

/** Returns the errors at fields of the form, and whether any has none; an error within a field's value is the field's. */
export function atFields(
  placed: readonly { name: Path; errors: string[] }[],
  fields: readonly Path[],
): { known: { name: Path; errors: string[] }[]; isWhole: boolean } {
  const known = new Map<string, { name: Path; errors: string[] }>();
  let isWhole = true;
  for (const { name, errors } of placed) {
    const field = fields.find((one) => one.every((part, n) => String(part) === String(name[n])));
    if (!field) {
      isWhole = false;
      continue;
    }
    const key = field.join(".");
    known.set(key, { name: field, errors: [...(known.get(key)?.errors ?? []), ...errors] });
  }
  return { known: [...known.values()], isWhole };
}

export function ProblemForm<Values extends object>(props: {
  onSubmit: (values: Values) => Promise<unknown>;
  submit: string;
  initial?: Partial<Values>;
  form?: FormInstance<Values>;
  onDone?: () => void;
  onCancel?: () => void;
  /** Fields of the refusals that name no field. */
  byCode?: Readonly<Record<string, Path>>;
  /** Form field of a field that the server calls otherwise. */
  rename?: (path: Path) => Path;
  danger?: boolean;
  doneText?: string;
  children: ReactNode;
}) {
  const { say, sayOr, language } = useText();
  const { message } = App.useApp();
  const [own] = Form.useForm<Values>();
  const form = props.form ?? own;
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [refusals, setRefusals] = useState(0);
  const whole = useRef<HTMLDivElement>(null);
  // Fields of two forms on a page may be called the same; labels and refusals point at ids.
  const id = `f${useId().replace(/\W/g, "")}`;
  useEffect(() => {
    if (refusals === 0) return;
    const refused = whole.current?.querySelector(".ant-form-item-has-error");
    if (refused) focusFirst(refused);
    else whole.current?.querySelector("[role=alert]")?.scrollIntoView({ block: "nearest" });
  }, [refusals]);

  const finish = async (values: Values) => {
    setBusy(true);
    setProblem(null);
    try {
      await props.onSubmit(values);
      if (props.doneText !== "") message.success(props.doneText ?? say("common.saved"));
      props.onDone?.();
    } catch (thrown) {
      const found = asProblem(thrown);
      const sentence = (code: string, text: string) => (language === "en" ? text : sayOr(`problems.${code}`, text));
      const placed = placeErrors(found, sentence, props.byCode).map((item) => ({
        ...item,
        name: props.rename ? props.rename(item.name) : item.name,
      }));
      const fields = form.getFieldsError().map((field) => field.name as Path);
      const { known, isWhole } = atFields(placed, fields);
      form.setFields(known as never);
      if (known.length === 0 || !isWhole) setProblem(found);
      setRefusals((n) => n + 1);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Form<Values>
      form={form}
      name={id}
      layout="vertical"
      noValidate
      requiredMark={(label, { required }) => (
        <>
          {label}
          {required ? null : <span className="faint small">&nbsp;({say("common.optional")})</span>}
        </>
      )}
      initialValues={props.initial as Values}
      onFinish={finish}
      onFinishFailed={() => setRefusals((n) => n + 1)}
      validateMessages={{ required: say("session.required") }}
    >
      <div ref={whole}>
        {problem ? (
          <div style={{ marginBottom: 16 }}>
            <ProblemNote problem={problem} />
            {problem.errors.length > 0 ? (
              <ul className="small" style={{ margin: "6px 0 0 22px" }}>
                {problem.errors.map((error) => (
                  <li key={error.field + error.code}>
                    <code>{error.field}</code> {sayOr(`problems.${error.code}`, error.message)}
                  </li>
                ))}
              </ul>
            ) : null}
          </div>
        ) : null}
        {props.children}
        <div className="row" style={{ marginTop: 4 }}>
          <Button type="primary" htmlType="submit" loading={isBusy} danger={props.danger}>
            {props.submit}
          </Button>
          {props.onCancel ? (
            <Button onClick={props.onCancel} data-harmless={props.danger || undefined}>
              {say("common.cancel")}
            </Button>
          ) : null}
        </div>
      </div>
    </Form>
  );
}
