import { type JSX, useEffect, useState } from "react";
import { permissionText, useHost, useSnapshot } from "../app";
import type { DeveloperFacts, Fact, PermissionUse } from "../host/host";
import { useWords } from "../i18n";
import { go } from "../route";
import { AppIcon, Empty, Spinner, SubPage } from "../ui/parts";
import { LineList, useLines } from "./developer_lines";
import { Mocks } from "./developer_mocks";
import { Why } from "./developer_why";

/** What a developer, or a curious customer, can know of an app on this device. */
export function Developer({ id }: { id: string | undefined }): JSX.Element {
  const { t, both } = useWords();
  const { apps, workbench } = useSnapshot();
  const app = apps.find((each) => each.id === id);
  if (app) return <OneApp id={app.id} title={both(app.name)} isWritten={workbench?.app === app.id} />;
  return (
    <SubPage title={t("developer")} back="me">
      <OfDevice />
    </SubPage>
  );
}

/** All of it at once: what came late would push the rest down. */
function OfDevice(): JSX.Element {
  const { t, both } = useWords();
  const { apps } = useSnapshot();
  const found = useFound("");
  if (found === null) return <Spinner label={t("opening")} />;
  return (
    <>
      <FactList facts={found.facts} />
      <h2>{t("apps")}</h2>
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
      <LineList id="" title="network" kinds={["network", "error"]} />
    </>
  );
}

const QUIET_MS = 1000;

function OneApp({ id, title, isWritten }: { id: string; title: string; isWritten: boolean }): JSX.Element {
  const { t } = useWords();
  const found = useFound(id);
  return (
    <SubPage title={title} back={isWritten ? `app/${id}` : "developer"}>
      {isWritten && <Mocks />}
      {found === null ? (
        <Spinner label={t("opening")} />
      ) : (
        <>
          <FactList facts={found.facts} />
          <Why releases={found.why} />
          <h2>{t("permissions")}</h2>
          <Permissions uses={found.permissions} />
          <LineList id={id} title="network" kinds={["network"]} />
          <LineList id={id} title="console" kinds={["console", "error"]} />
          <LineList id={id} title="used" kinds={["permission"]} />
        </>
      )}
    </SubPage>
  );
}

/** Every method of the bridge that the manifest asks for or the app called, and what became of it. */
function Permissions({ uses }: { uses: readonly PermissionUse[] }): JSX.Element {
  const { t } = useWords();
  if (uses.length === 0) return <Empty icon="shield" title={t("permissions_unused")} />;
  return (
    <div className="card">
      {uses.map(({ name, isAsked, isFree, used, refused }) => (
        <div className="row" key={name}>
          <span className="row-text">
            <b className="mono">{name}</b>
            <small>
              {isFree ? t("permission_free") : isAsked ? permissionText(t, name) : t("permission_not_asked")}
            </small>
          </span>
          <span className="uses">
            <small>{t("used_times", { count: used })}</small>
            {refused > 0 && <small className="bad">{t("refused_times", { count: refused })}</small>}
          </span>
        </div>
      ))}
    </div>
  );
}

function FactList({ facts }: { facts: readonly Fact[] }): JSX.Element {
  const { t } = useWords();
  return (
    <dl className="card facts">
      {facts.map(({ name, value, says }) => (
        <div key={name}>
          <dt>{t(name)}</dt>
          {says ? <dd>{t(says)}</dd> : <dd className="mono">{value}</dd>}
        </div>
      ))}
    </dl>
  );
}

/** The facts as they are now: read again when the app's entry changed, or it called the bridge and is quiet again. */
function useFound(id: string): DeveloperFacts | null {
  const host = useHost();
  const { apps, tier } = useSnapshot();
  // Asking for facts is a call too, and is told of: only what the app is or does may be a reason to ask.
  const state = `${tier} ${JSON.stringify(apps.find((app) => app.id === id))}`;
  const calls = useLines(id).filter((line) => line.kind === "permission").length;
  const [found, setFound] = useState<DeveloperFacts | null>(null);
  const isFirst = found === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another state or call is the reason to look again
  useEffect(() => {
    let isShown = true;
    const look = (): void => void host.developer(id).then((next) => isShown && setFound(next));
    const timer = setTimeout(look, isFirst ? 0 : QUIET_MS);
    return () => {
      isShown = false;
      clearTimeout(timer);
    };
  }, [host, id, state, calls]);
  return found;
}
