/** One file of a version, line by line against the one before. */

import { query } from "../../api/client";
import type { VersionDetail } from "../../api/types";
import { Note } from "../../design/Blocks";
import { Fetch } from "../../design/States";
import { useText } from "../../i18n";

const SIGNS: Record<string, string> = { added: "+", removed: "−" };

export function FileDiff({ version, path }: { version: VersionDetail; path: string }) {
  const { say } = useText();
  const found = query.useQuery("get", "/apps/{app}/versions/{sequence}/diff", {
    params: { path: { app: version.app, sequence: version.sequence }, query: { path } },
  });
  return (
    <Fetch of={found} lines={8}>
      {(diff) => (
        <div className="stack tight">
          {diff.refusal ? <Note tone="neutral">{diff.refusal}</Note> : null}
          {diff.is_cut ? <Note tone="warn">{say("apps.diffCut")}</Note> : null}
          {diff.lines.length > 0 ? (
            <div className="code">
              <table>
                <tbody>
                  {diff.lines.map((line) => (
                    <tr key={`${line.old_line}:${line.line}`} className={line.change}>
                      <td className="n">{line.old_line}</td>
                      <td className="n">{line.line}</td>
                      <td className="n">{SIGNS[line.change] ?? ""}</td>
                      <td>{line.text}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          ) : null}
        </div>
      )}
    </Fetch>
  );
}
