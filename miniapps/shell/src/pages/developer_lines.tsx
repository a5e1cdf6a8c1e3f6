import { type JSX, useSyncExternalStore } from "react";
import { useHost } from "../app";
import type { DeveloperLine } from "../host/host";
import { type Key, useWords } from "../i18n";
import { Empty } from "../ui/parts";

const MOST_SHOWN = 60;

/** What happened in an app, or in the shell itself (an empty id); kept up to date. */
export function useLines(id: string): readonly DeveloperLine[] {
  const host = useHost();
  return useSyncExternalStore(
    (listener) => host.subscribe(listener),
    () => host.lines(id),
  );
}

/** The lines of some kinds under a heading, the newest first. */
export function LineList(props: { id: string; title: Key; kinds: readonly DeveloperLine["kind"][] }): JSX.Element {
  const { t } = useWords();
  const lines = useLines(props.id).filter((line) => props.kinds.includes(line.kind));
  return (
    <section>
      <h2>{t(props.title)}</h2>
      {lines.length === 0 ? <Empty icon="clock" title={t("nothing_yet")} /> : <Lines lines={lines} />}
    </section>
  );
}

function Lines({ lines }: { lines: readonly DeveloperLine[] }): JSX.Element {
  const { t } = useWords();
  return (
    <ul className="card lines mono">
      {lines.slice(0, MOST_SHOWN).map((line, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two lines may be the same to the millisecond
        <li key={`${line.atMs} ${lines.length - at}`} className={line.isProblem ? "bad" : ""}>
          <time>{new Date(line.atMs).toTimeString().slice(0, 8)}</time> <span className="line-text">{line.text}</span>
          {line.times !== undefined && <b> ×{line.times}</b>}
          {line.trace && (
            <small>
              {t("trace")} {line.trace}
            </small>
          )}
        </li>
      ))}
    </ul>
  );
}
