/**
 * Numbers by day, stacked or as lines, drawn without a library. What the pointer is on, else the last day, is told in
 * the legend; the same numbers stand in a table below, for whoever does not see the picture.
 */

import { type PointerEvent, useEffect, useId, useRef, useState } from "react";
import { useText } from "../../i18n";
import { labelled, ticks } from "./scale";
import "./insight.css";

export type Series = { readonly key: string; readonly name: string; readonly values: readonly (number | null)[] };
type Kind = "stack" | "lines";

const HEIGHT = 220;
const PAD = { left: 52, right: 10, top: 10, bottom: 24 };
const TONES = ["mark-1", "mark-2", "mark-3", "mark-4", "mark-5"] as const;

export function DayChart(props: {
  title: string;
  kind: Kind;
  days: readonly number[];
  series: readonly Series[];
  show?: (value: number) => string;
}) {
  const { title, kind, days, series, show = (value: number) => value.toLocaleString() } = props;
  const { say, language } = useText();
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState<number | null>(null);
  const id = useId();
  useEffect(() => {
    if (!place.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", timeZone: "UTC" });
  const shown = at ?? days.length - 1;
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - PAD.left;
    const step = (width - PAD.left - PAD.right) / days.length;
    setAt(Math.min(days.length - 1, Math.max(0, Math.floor(x / step))));
  };
  return (
    <figure className="day-chart" aria-labelledby={id}>
      <figcaption id={id}>
        <span className="visually-hidden">{title}</span>
        <ul className="legend small">
          <li className="muted num">{day.format(days[shown])}</li>
          {series.map(({ key, name, values }, n) => (
            <li key={key}>
              <i className={`swatch ${TONES[n % TONES.length]}`} aria-hidden="true" />
              {name} <span className="num strong">{told(values[shown], show)}</span>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} style={{ height: HEIGHT }}>
        {width > 0 ? (
          <svg
            width={width}
            height={HEIGHT}
            aria-hidden="true"
            onPointerMove={point}
            onPointerDown={point}
            onPointerLeave={() => setAt(null)}
          >
            <Drawing
              {...{ kind, series, width, shown, show }}
              isPointed={at !== null}
              names={days.map((ms) => day.format(ms))}
            />
          </svg>
        ) : null}
      </div>
      <details className="as-table">
        <summary className="small muted">{say("insight.asTable")}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
        <section className="scroll" tabIndex={0} aria-label={title}>
          <table>
            <thead>
              <tr>
                <th scope="col">{say("insight.day")}</th>
                {series.map(({ key, name }) => (
                  <th scope="col" key={key}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {days
                .map((ms, n) => (
                  <tr key={ms}>
                    <th scope="row">{day.format(ms)}</th>
                    {series.map(({ key, values }) => (
                      <td key={key} className="num">
                        {told(values[n], show)}
                      </td>
                    ))}
                  </tr>
                ))
                .reverse()}
            </tbody>
          </table>
        </section>
      </details>
    </figure>
  );
}

function told(value: number | null | undefined, show: (value: number) => string): string {
  return value === null || value === undefined ? "—" : show(value);
}

function Drawing(props: {
  kind: Kind;
  series: readonly Series[];
  width: number;
  shown: number;
  isPointed: boolean;
  names: readonly string[];
  show: (value: number) => string;
}) {
  const { kind, series, width, shown, isPointed, names, show } = props;
  const sums = names.map((_, n) => series.map(({ values }) => values[n] ?? 0));
  const most = Math.max(
    ...sums.map((day) => (kind === "stack" ? day.reduce((a, b) => a + b, 0) : Math.max(0, ...day))),
  );
  const marks = ticks(most);
  const inner = { width: width - PAD.left - PAD.right, height: HEIGHT - PAD.top - PAD.bottom };
  const step = inner.width / names.length;
  const x = (n: number) => PAD.left + step * (n + 0.5);
  const y = (value: number) => PAD.top + inner.height * (1 - value / (marks.at(-1) ?? 1));
  return (
    <>
      {marks.map((mark) => (
        <g key={mark}>
          <line
            className={mark === 0 ? "axis" : "grid"}
            x1={PAD.left}
            x2={width - PAD.right}
            y1={y(mark)}
            y2={y(mark)}
          />
          <text className="tick" x={PAD.left - 8} y={y(mark)} dy="0.32em" textAnchor="end">
            {show(mark)}
          </text>
        </g>
      ))}
      {labelled(names.length, inner.width / 84).map((n) => (
        <text
          key={names[n]}
          className="tick"
          x={x(n)}
          y={HEIGHT - 6}
          textAnchor={n === names.length - 1 ? "end" : "middle"}
          dx={n === names.length - 1 ? Math.min(step / 2, 14) : 0}
        >
          {names[n]}
        </text>
      ))}
      {isPointed ? (
        <rect className="pointed" x={x(shown) - step / 2} y={PAD.top} width={step} height={inner.height} />
      ) : null}
      {kind === "stack" ? <Stacks {...{ series, x, y, step }} /> : <Lines {...{ series, x, y, shown }} />}
    </>
  );
}

type Place = { series: readonly Series[]; x: (n: number) => number; y: (value: number) => number };

function Stacks({ series, x, y, step }: Place & { step: number }) {
  const thick = Math.max(1, Math.min(34, step * 0.72));
  const length = series[0]?.values.length ?? 0;
  return Array.from({ length }, (_, day) => {
    let below = 0;
    return series.map(({ key, values }, n) => {
      const value = values[day] ?? 0;
      if (value === 0) return null;
      const top = y(below + value);
      const height = y(below) - top;
      below += value;
      return (
        <rect
          key={`${key} ${x(day)}`}
          className={`fill ${TONES[n % TONES.length]}`}
          x={x(day) - thick / 2}
          y={top}
          width={thick}
          height={Math.max(height - (below > value ? 1 : 0), 0.5)}
        />
      );
    });
  });
}

function Lines({ series, x, y, shown }: Place & { shown: number }) {
  return series.map(({ key, values }, n) => {
    const tone = TONES[n % TONES.length];
    const now = values[shown];
    return (
      <g key={key}>
        {pieces(values).map((piece) =>
          piece.length === 1 ? (
            <circle
              key={piece[0]}
              className={`fill ${tone}`}
              cx={x(piece[0] ?? 0)}
              cy={y(values[piece[0] ?? 0] ?? 0)}
              r={3}
            />
          ) : (
            <polyline
              key={piece[0]}
              className={`stroke ${tone}`}
              points={piece.map((at) => `${x(at)},${y(values[at] ?? 0)}`).join(" ")}
            />
          ),
        )}
        {now === null || now === undefined ? null : (
          <circle className={`fill ${tone}`} cx={x(shown)} cy={y(now)} r={3.5} />
        )}
      </g>
    );
  });
}

/** Returns the runs of days that have a value: a day without one breaks the line. */
function pieces(values: readonly (number | null)[]): number[][] {
  const found: number[][] = [];
  values.forEach((value, n) => {
    if (value === null) return;
    if (n > 0 && values[n - 1] !== null && found.length > 0) found.at(-1)?.push(n);
    else found.push([n]);
  });
  return found;
}
