/** What something was, edition by edition, each with what it changed. */

import type { DiffLine } from "../api/types";
import { pick, useText } from "../i18n";
import { DiffView } from "./DiffView";
import { Pager } from "./PageTable";
import type { Pages } from "./pages";
import { Person, Time } from "./Small";
import type { Tone } from "./tokens";
import "./editions.css";

export type EditionLine = {
  edition: number;
  tone: Tone;
  /** What stands beside the number: the state it came to, say. */
  tags?: React.ReactNode;
  by: string;
  at: number;
  cause?: string;
  diff: readonly DiffLine[];
};

export function Editions({ lines, pages }: { lines: readonly EditionLine[]; pages: Pages }) {
  const { say, language } = useText();
  return (
    <>
      <ol className="history panel-body">
        {lines.map((line) => (
          <li key={line.edition}>
            <span className={`knot ${line.tone}`} aria-hidden="true" />
            <div className="grow">
              <div className="row between">
                <span className="row">
                  <span className="strong">{say("audiences.editionNth", { n: line.edition })}</span>
                  {line.tags}
                </span>
                <span className="small muted">
                  <Time ms={line.at} />
                </span>
              </div>
              <div className="small muted">
                <Person id={line.by} />
              </div>
              {line.cause ? <div className="small wrap">{line.cause}</div> : null}
              {line.diff.length > 0 ? (
                <details className="edition-diff">
                  <summary className="small">
                    {line.diff.map((one) => pick(language, one)).join(language === "zh" ? "、" : ", ")}
                  </summary>
                  <DiffView lines={line.diff} />
                </details>
              ) : null}
            </div>
          </li>
        ))}
      </ol>
      <Pager pages={pages} shown={lines.length} />
    </>
  );
}
