import { type JSX, useSyncExternalStore } from "react";
import { useHost } from "../app";
import type { DeveloperLine } from "../host/host";
import { useWords } from "../i18n";
import { go } from "../route";

const MOST = 5;

/** What went wrong in the app that is being written, over the app itself: the newest first, and what mends it. */
export function Trouble(props: { id: string; sinceMs: number; onDismiss: () => void }): JSX.Element | null {
  const { id, sinceMs, onDismiss } = props;
  const { t } = useWords();
  const lines = useLines(id).filter((line) => line.isProblem && line.atMs >= sinceMs);
  if (lines.length === 0) return null;
  return (
    <div className="trouble" role="alert">
      {lines.slice(0, MOST).map((line) => (
        <div key={`${line.atMs} ${line.text}`}>
          <pre>{line.text}</pre>
          {hintFor(line) && <pre className="hint">{hintFor(line)}</pre>}
        </div>
      ))}
      <div className="sheet-actions">
        <button type="button" className="button quiet" onClick={() => go(`developer/${id}`)}>
          {t("developer")}
        </button>
        <button type="button" className="button" onClick={onDismiss}>
          {t("close")}
        </button>
      </div>
    </div>
  );
}

/** The line of the manifest that is missing, where that is the reason. */
export function hintFor({ kind, text }: Pick<DeveloperLine, "kind" | "text">): string | null {
  const [method = "", code] = text.split(" ");
  if (kind !== "permission" || code !== "permission_denied") return null;
  if (method === "network.fetch") return 'manifest.json, "x-sampan": { "network": ["<host>"] }';
  return `manifest.json, "req_permissions": [{ "name": "${method}", "reason": "..." }]`;
}

function useLines(id: string): readonly DeveloperLine[] {
  const host = useHost();
  return useSyncExternalStore(
    (listener) => host.subscribe(listener),
    () => host.lines(id),
  );
}
