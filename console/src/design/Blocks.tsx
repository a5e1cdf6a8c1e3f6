/** The plain parts of a page: panel, facts, tile, note, history. They know no data of the server. */

import { CheckCircleFilled, CloseCircleFilled, ExclamationCircleFilled, InfoCircleFilled } from "@ant-design/icons";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Tone } from "./tokens";

export function Panel(props: {
  title?: ReactNode;
  hint?: ReactNode;
  extra?: ReactNode;
  flush?: boolean;
  children: ReactNode;
}) {
  const { title, hint, extra, flush, children } = props;
  return (
    <section className="panel">
      {title ? (
        <div className="panel-head">
          <h2>{title}</h2>
          {hint ? <span className="hint">{hint}</span> : null}
          {extra ? <div className="extra">{extra}</div> : null}
        </div>
      ) : null}
      {flush ? children : <div className="panel-body">{children}</div>}
    </section>
  );
}

export type Fact = { label: string; value: ReactNode };

export function Facts({ items, one }: { items: readonly (Fact | null | false)[]; one?: boolean }) {
  return (
    <dl className={one ? "facts one" : "facts"}>
      {items.map((item) =>
        item ? (
          <div key={item.label}>
            <dt>{item.label}</dt>
            <dd>{item.value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

export function Tile(props: { label: string; value: ReactNode; under?: ReactNode; tone?: Tone; to?: string }) {
  const { label, value, under, tone = "neutral", to } = props;
  const inside = (
    <>
      <div className="label">{label}</div>
      <div className="value">{value}</div>
      {under ? <div className="under">{under}</div> : null}
    </>
  );
  return to ? (
    <Link className={`tile ${tone}`} to={to}>
      {inside}
    </Link>
  ) : (
    <div className={`tile ${tone}`}>{inside}</div>
  );
}

const SIGNS = {
  info: <InfoCircleFilled />,
  neutral: <InfoCircleFilled />,
  brand: <InfoCircleFilled />,
  good: <CheckCircleFilled />,
  warn: <ExclamationCircleFilled />,
  bad: <CloseCircleFilled />,
};

export function Note({ tone = "info", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <div className={`note ${tone}`} role={tone === "bad" ? "alert" : "note"}>
      <span aria-hidden="true">{SIGNS[tone]}</span>
      <div className="grow">{children}</div>
    </div>
  );
}

export type HistoryLine = {
  key: string;
  tone: Tone;
  title: ReactNode;
  when: ReactNode;
  who?: ReactNode;
  text?: string;
};

export function History({ lines }: { lines: readonly HistoryLine[] }) {
  return (
    <ol className="history">
      {lines.map((line) => (
        <li key={line.key}>
          <span className={`knot ${line.tone}`} aria-hidden="true" />
          <div className="grow">
            <div className="row between">
              <span>{line.title}</span>
              <span className="small muted">{line.when}</span>
            </div>
            {line.who ? <div className="small muted">{line.who}</div> : null}
            {line.text ? <div className="small wrap">{line.text}</div> : null}
          </div>
        </li>
      ))}
    </ol>
  );
}

export function Kbd({ children }: { children: ReactNode }) {
  return <kbd className="kbd">{children}</kbd>;
}
