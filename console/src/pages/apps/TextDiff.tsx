/** The changed lines of a file, one below the other or beside each other. */

import { Segmented } from "antd";
import { useState } from "react";
import type { components } from "../../api/schema";
import { Note } from "../../design/Blocks";
import { useText } from "../../i18n";
import { type Line, type Pair, sideBySide } from "./sideBySide";

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
        <Beside pairs={sideBySide(diff.lines)} />
      ) : (
        <Unified lines={diff.lines} />
      )}
    </div>
  );
}

function Unified({ lines }: { lines: readonly Line[] }) {
  const { say } = useText();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="code" tabIndex={0} aria-label={say("apps.diffLines")}>
      <table>
        <tbody>
          {lines.map((line) => (
            <tr key={`${line.old_line}:${line.line}`} className={line.change}>
              <td className="n">{line.old_line}</td>
              <td className="n">{line.line}</td>
              <td className="n">{SIGNS[line.change] ?? ""}</td>
              <td>{line.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Beside({ pairs }: { pairs: readonly Pair[] }) {
  const { say } = useText();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="code beside" tabIndex={0} aria-label={say("apps.diffLines")}>
      <table>
        <thead className="visually-hidden">
          <tr>
            <th colSpan={2}>{say("apps.before")}</th>
            <th colSpan={2}>{say("apps.after")}</th>
          </tr>
        </thead>
        <tbody>
          {pairs.map(({ old, now }) => (
            <tr key={`${old?.old_line}:${now?.line}`}>
              <td className="n">{old?.old_line}</td>
              <td className={old?.change ?? "nothing"}>{old?.text}</td>
              <td className="n">{now?.line}</td>
              <td className={now?.change ?? "nothing"}>{now?.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
