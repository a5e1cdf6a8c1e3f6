/** The changed lines of a file, one below the other or beside each other. */

import { Segmented } from "antd";
import { type CSSProperties, type ReactNode, useState } from "react";
import type { components } from "../../api/schema";
import { Note } from "../../design/Blocks";
import { useText } from "../../i18n";
import { type Line, sideBySide } from "./sideBySide";

type Diff = components["schemas"]["FileDiffOut"];

const SIGNS: Record<string, string> = { added: "+", removed: "−" };
const LAYOUTS = ["unified", "beside"] as const;
type Layout = (typeof LAYOUTS)[number];

export function TextDiff({ diff }: { diff: Diff }) {
  const { say, sayOr } = useText();
  const [layout, setLayout] = useState<Layout>("unified");
  const isChanged = diff.lines.some((line) => line.change === "removed");
  return (
    <div className="stack tight">
      {diff.refusal ? <Note tone="neutral">{sayOr(`apps.refusal_${diff.refusal}`, diff.refusal)}</Note> : null}
      {diff.is_cut ? <Note tone="warn">{say("apps.diffCut")}</Note> : null}
      {isChanged ? (
        <Segmented<Layout>
          className="only-wide"
          aria-label={say("apps.diffLayout")}
          size="small"
          value={layout}
          onChange={setLayout}
          options={LAYOUTS.map((value) => ({ value, label: say(`apps.diff_${value}`) }))}
          style={{ alignSelf: "flex-start" }}
        />
      ) : null}
      {diff.lines.length === 0 ? null : layout === "beside" && isChanged ? (
        <Beside lines={diff.lines} />
      ) : (
        <Unified lines={diff.lines} />
      )}
    </div>
  );
}

function Unified({ lines }: { lines: readonly Line[] }) {
  return (
    <Code lines={lines}>
      <tbody>
        {lines.map((line) => (
          <tr key={`${line.old_line}:${line.line}`} className={line.change}>
            <Gutter numbers={[line.old_line, line.line]} change={line.change} />
            <td>{line.text}</td>
          </tr>
        ))}
      </tbody>
    </Code>
  );
}

function Beside({ lines }: { lines: readonly Line[] }) {
  const { say } = useText();
  return (
    <Code lines={lines} isBeside>
      <colgroup>
        <col className="gutter" />
        <col />
        <col className="gutter" />
        <col />
      </colgroup>
      <thead>
        <tr>
          <th colSpan={2}>{say("apps.before")}</th>
          <th colSpan={2}>{say("apps.after")}</th>
        </tr>
      </thead>
      <tbody>
        {sideBySide(lines).map(({ old, now }) => (
          <tr key={`${old?.old_line}:${now?.line}`}>
            <Gutter numbers={[old?.old_line]} change={old?.change} />
            <td className={old?.change ?? "nothing"}>{old?.text}</td>
            <Gutter numbers={[now?.line]} change={now?.change} />
            <td className={now?.change ?? "nothing"}>{now?.text}</td>
          </tr>
        ))}
      </tbody>
    </Code>
  );
}

/** What scrolls, with room for the longest number of a line. */
function Code({ lines, isBeside, children }: { lines: readonly Line[]; isBeside?: boolean; children: ReactNode }) {
  const { say } = useText();
  const highest = lines.reduce((most, { old_line, line }) => Math.max(most, old_line ?? 0, line ?? 0), 1);
  return (
    <section
      className={isBeside ? "code beside" : "code"}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      tabIndex={0}
      aria-label={say("apps.diffLines")}
      style={{ "--digits": String(highest).length } as CSSProperties}
    >
      <table>{children}</table>
    </section>
  );
}

/** Numbers and sign of a line; they stay in sight while its text is scrolled. */
function Gutter({ numbers, change = "" }: { numbers: readonly (number | null | undefined)[]; change?: string }) {
  return (
    <td className="gutter">
      {numbers.map((number, side) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a side stays where it is
        <span key={side} className="n">
          {number}
        </span>
      ))}
      <span className="sign">{SIGNS[change]}</span>
    </td>
  );
}
