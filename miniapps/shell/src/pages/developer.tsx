import { type JSX, useCallback, useEffect, useState } from "react";
import { useHost, useSnapshot } from "../app";
import type { DeveloperFacts, DeveloperLine } from "../host/host";
import { type Key, useWords } from "../i18n";
import { go } from "../route";
import { AppIcon, Empty, Spinner, SubPage } from "../ui/parts";

const TABS: readonly (readonly [DeveloperLine["kind"] | "error", Key])[] = [
  ["permission", "used"],
  ["network", "network"],
  ["console", "console"],
];

/** What a developer, or a curious customer, can know of an app on this device. */
export function Developer({ id }: { id: string | undefined }): JSX.Element {
  const { t, both } = useWords();
  const { apps } = useSnapshot();
  const app = apps.find((each) => each.id === id);
  if (app) return <Facts id={app.id} title={both(app.name)} />;
  return (
    <SubPage title={t("developer")} back="me">
      <Device />
      <div className="card">
        {apps.map((each) => (
          <button type="button" className="row" key={each.id} onClick={() => go(`developer/${each.id}`)}>
            <AppIcon app={each} size={40} />
            <span className="row-text">
              <b>{both(each.name)}</b>
              <small className="mono">
                {each.id} {each.installed?.version ?? ""}
              </small>
            </span>
          </button>
        ))}
      </div>
    </SubPage>
  );
}

function Device(): JSX.Element {
  const facts = useFacts("");
  return <FactList facts={facts?.facts ?? []} />;
}

function Facts({ id, title }: { id: string; title: string }): JSX.Element {
  const { t } = useWords();
  const found = useFacts(id);
  if (found === null)
    return (
      <SubPage title={title} back="developer">
        <Spinner label={t("opening")} />
      </SubPage>
    );
  return (
    <SubPage title={title} back="developer">
      <FactList facts={found.facts} />
      {TABS.map(([kind, name]) => {
        const lines = found.lines.filter((line) => line.kind === kind || (kind === "console" && line.kind === "error"));
        return (
          <section key={kind}>
            <h2>{t(name)}</h2>
            {lines.length === 0 ? <Empty icon="clock" title={t("nothing_yet")} /> : <Lines lines={lines} />}
          </section>
        );
      })}
    </SubPage>
  );
}

function Lines({ lines }: { lines: readonly DeveloperLine[] }): JSX.Element {
  return (
    <ul className="card lines mono">
      {lines.map((line) => (
        <li key={`${line.atMs} ${line.text}`} className={line.isProblem ? "bad" : ""}>
          <time>{new Date(line.atMs).toISOString().slice(11, 23)}</time> {line.text}
        </li>
      ))}
    </ul>
  );
}

function FactList({ facts }: { facts: DeveloperFacts["facts"] }): JSX.Element {
  return (
    <dl className="card facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="mono">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function useFacts(id: string): DeveloperFacts | null {
  const host = useHost();
  const snapshot = useSnapshot();
  const [facts, setFacts] = useState<DeveloperFacts | null>(null);
  const load = useCallback(async () => setFacts(await host.developer(id)), [host, id]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new snapshot is the reason to look again
  useEffect(() => void load(), [load, snapshot]);
  return facts;
}
