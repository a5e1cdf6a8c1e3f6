/** What a change does, line by line: before and after beside each other. */

import type { DiffLine } from "../api/types";
import { pick, useText } from "../i18n";

function Value({ text, as }: { text: string | null; as: "del" | "ins" }) {
  if (text === null || text === "") return <span className="faint">—</span>;
  return as === "del" ? <del>{text}</del> : <ins>{text}</ins>;
}

export function DiffView({ lines }: { lines: readonly DiffLine[] }) {
  const { say, language } = useText();
  const told = (text: string | null, words: DiffLine["before_words"]) => (words ? pick(language, words) : text);
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
              <td colSpan={2}>{told(line.after, line.after_words)}</td>
            ) : (
              <>
                <td>
                  <Value text={told(line.before, line.before_words)} as="del" />
                </td>
                <td>
                  <Value text={told(line.after, line.after_words)} as="ins" />
                </td>
              </>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
