import { type JSX, useEffect, useState } from "react";
import type { DeveloperLine } from "../host/host";
import { Bench } from "../host/workbench";
import { useWords } from "../i18n";
import { go } from "../route";
import { useLines } from "./developer_lines";

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
          <Told said={line.text} />
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

const LOOK_MS = 1000;

/** That what was written last cannot be published, and why: over the app, which is of before. Gone once it is mended. */
export function Broken(): JSX.Element | null {
  const { t } = useWords();
  const [lines, setLines] = useState<readonly string[]>([]);
  useEffect(() => {
    let isShown = true;
    const look = () => {
      if (document.visibilityState === "hidden") return;
      bench.broken().then(
        (found) => isShown && setLines((shown) => (same(shown, found) ? shown : found)),
        () => undefined, // the command has ended, which the page says elsewhere
      );
    };
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => {
      isShown = false;
      clearInterval(timer);
    };
  }, []);
  if (lines.length === 0) return null;
  return (
    <div className="trouble broken" role="alert">
      <strong>{t("buildBroken")}</strong>
      {lines.slice(0, MOST).map((line) => (
        <pre key={line}>{line}</pre>
      ))}
    </div>
  );
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((line, n) => line === other[n]);
}

const bench = new Bench();

/** An error in the developer's own files, as far as `sampan dev` knows them. */
function Told({ said }: { said: string }): JSX.Element {
  const [told, setTold] = useState({ text: said, code: "" });
  useEffect(() => {
    let isShown = true;
    bench.stack(said).then(
      (found) => isShown && setTold(found),
      () => undefined, // it stays as the browser told it
    );
    return () => {
      isShown = false;
    };
  }, [said]);
  return (
    <>
      <pre>{told.text}</pre>
      {told.code && <pre className="code">{told.code}</pre>}
    </>
  );
}

/** The line of the manifest that is missing, where that is the reason. */
export function hintFor({ kind, text }: Pick<DeveloperLine, "kind" | "text">): string | null {
  const [method = "", code] = text.split(" ");
  if (kind !== "permission" || code !== "permission_denied") return null;
  if (method === "network.fetch") return 'manifest.json, "x-sampan": { "network": ["<host>"] }';
  return `manifest.json, "req_permissions": [{ "name": "${method}", "reason": "..." }]`;
}
