/** What a change does, line by line: before and after beside each other. */

import type { ReactNode } from "react";
import type { DiffLine } from "../api/types";
import { pick, useText } from "../i18n";

function Value({ text, as }: { text: string | null; as: "del" | "ins" }) {
  if (text === null || text === "") return <span className="faint">—</span>;
  return as === "del" ? <del>{text}</del> : <ins>{text}</ins>;
}

export function DiffView({ lines, show }: { lines: readonly DiffLine[]; show?: (text: string) => string }) {
  const { say, language } = useText();
  const words = show ?? ((text: string) => text);
  return (
    <table className="diff">
      <thead>
        <tr>
          <th scope="col">{say("changes.what")}</th>
          <th scope="col">{say("changes.before")}</th>
          <th scope="col">{say("changes.after")}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.en}>
            <th scope="row">{pick(language, line)}</th>
            {line.before === line.after ? (
              <td colSpan={2}>{cell(line.after, words)}</td>
            ) : (
              <>
                <td>
                  <Value text={line.before === null ? null : words(line.before)} as="del" />
                </td>
                <td>
                  <Value text={line.after === null ? null : words(line.after)} as="ins" />
                </td>
              </>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function cell(text: string | null, words: (text: string) => string): ReactNode {
  return text === null ? <span className="faint">—</span> : words(text);
}
