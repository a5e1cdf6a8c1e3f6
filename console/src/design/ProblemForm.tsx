/** A form that shows each refusal of the server at the field where it belongs, and the rest above. */

import { App, Button, Form, type FormInstance } from "antd";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { asProblem, fieldPath, type Problem } from "../api/problem";
import { focusFirst } from "../app/focus";
import { useText } from "../i18n";
import { ProblemNote } from "./ProblemText";

type Path = (string | number)[];

type Said = { name: Path; errors: string[] };

/** What a form says about a refusal: at its fields, and above of what has none. */
export type Placed = { at: Said[]; above: { field: string; sentence: string }[] };

/**
 * Places the errors of a problem at the fields of a form; an error within a field's value is the field's. `byCode` says
 * where a named refusal stands that has no list of fields, `rename` what a field is called that the server calls otherwise.
 */
export function placeErrors(
  problem: Problem,
  fields: readonly Path[],
  sentence: (code: string, message: string) => string,
  byCode: Readonly<Record<string, Path>> = {},
  rename: (path: Path) => Path = (path) => path,
): Placed {
  const own = byCode[problem.code];
  if (own) return { at: [{ name: own, errors: [sentence(problem.code, problem.detail)] }], above: [] };
  const at = new Map<Path, string[]>();
  const above: Placed["above"] = [];
  for (const error of problem.errors) {
    const path = fieldPath(error.field);
    const said = sentence(error.code, error.message);
    const field = path && fieldOf(rename(path), fields);
    if (field) at.set(field, [...(at.get(field) ?? []), said]);
    else above.push({ field: error.field, sentence: said });
  }
  return { at: [...at].map(([name, errors]) => ({ name, errors })), above };
}

/** Returns the field that a place lies in, of several the innermost. */
function fieldOf(path: Path, fields: readonly Path[]): Path | undefined {
  return fields
    .filter((field) => field.every((part, n) => String(part) === String(path[n])))
    .reduce<Path | undefined>((best, field) => (best && best.length >= field.length ? best : field), undefined);
}

export function ProblemForm<Values extends object>(props: {
  /** Gets what was entered, and what the form began with, whatever `initial` is by now. */
  onSubmit: (values: Values, began: Partial<Values>) => Promise<unknown>;
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
  /** Told where the form was refused, before the focus goes there; the problem when it was the server. */
  onRefused?: (at: readonly Path[], problem: Problem | null) => void;
  /** Buttons before the one that submits, which is shown unless `isOpenEnded`. */
  buttons?: ReactNode;
  isOpenEnded?: boolean;
  children: ReactNode;
}) {
  const { say, sayOr, language } = useText();
  const { message } = App.useApp();
  const [own] = Form.useForm<Values>();
  const form = props.form ?? own;
  const [problem, setProblem] = useState<{ problem: Problem; above: Placed["above"] } | null>(null);
  const [began] = useState<Partial<Values>>(props.initial ?? {});
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
      await props.onSubmit(values, began);
      if (props.doneText !== "") message.success(props.doneText ?? say("common.saved"));
      props.onDone?.();
    } catch (thrown) {
      const found = asProblem(thrown);
      const sentence = (code: string, text: string) => (language === "en" ? text : sayOr(`problems.${code}`, text));
      const fields = form.getFieldsError().map((field) => field.name as Path);
      const { at, above } = placeErrors(found, fields, sentence, props.byCode, props.rename);
      form.setFields(at as never);
      props.onRefused?.(
        at.map((one) => one.name),
        found,
      );
      if (at.length === 0 || above.length > 0) setProblem({ problem: found, above });
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
      onFinishFailed={({ errorFields }) => {
        props.onRefused?.(
          errorFields.map((one) => one.name as Path),
          null,
        );
        setRefusals((n) => n + 1);
      }}
      validateMessages={{ required: say("session.required") }}
    >
      <div ref={whole}>
        {problem ? (
          <div style={{ marginBottom: 16 }}>
            <ProblemNote problem={problem.problem} />
            {problem.above.length > 0 ? (
              <ul className="small" style={{ margin: "6px 0 0 22px" }}>
                {problem.above.map(({ field, sentence }) => (
                  <li key={field + sentence}>
                    <code>{field}</code> {sentence}
                  </li>
                ))}
              </ul>
            ) : null}
          </div>
        ) : null}
        {props.children}
        <div className="row" style={{ marginTop: 4 }}>
          {props.buttons}
          {props.isOpenEnded ? null : (
            <Button type="primary" htmlType="submit" loading={isBusy} danger={props.danger}>
              {props.submit}
            </Button>
          )}
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
