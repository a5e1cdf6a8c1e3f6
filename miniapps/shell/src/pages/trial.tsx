import { type JSX, useEffect, useState, useSyncExternalStore } from "react";
import { useHost, useSnapshot } from "../app";
import { type TrialState, trialKey } from "../host/host";
import { useWords } from "../i18n";
import { go } from "../route";
import { Icon } from "../ui/icons";
import { SubPage } from "../ui/parts";

/** Where the code of a trial version leads: it opens here for a named tester, or in the bank's own app. */
export function Trial({ app, sequence }: { app: string; sequence: number }): JSX.Element {
  const host = useHost();
  const { t } = useWords();
  const [isWanted, setWanted] = useState(false);
  const phase = useSyncExternalStore(
    (listener) => host.subscribe(listener),
    () => host.phase(trialKey(app)),
  );
  useEffect(() => () => host.closeTrial(), [host]);
  const open = (): void => {
    setWanted(true);
    void host.openTrial(app, sequence);
  };
  const close = (): void => {
    host.closeTrial();
    setWanted(false);
  };
  if (!isWanted || phase.refusal)
    return <Landing app={app} sequence={sequence} code={phase.refusal?.code} onOpen={open} />;
  return (
    <div className="app-page">
      {phase.step !== "running" && (
        <div className="cover">
          <b>{t("trial_title")}</b>
          <progress max={1} aria-label={t("opening")} />
          <p className="soft">{t(phase.step === "opening" ? "verifying" : "installing")}</p>
        </div>
      )}
      <div className="trial-strip" role="note">
        {t("trial_strip", { sequence: String(sequence) })}
      </div>
      <div className="capsule">
        <button type="button" aria-label={t("close")} onClick={close}>
          <Icon name="close" />
        </button>
      </div>
    </div>
  );
}

const NOT_FOR_YOU = "trial_unknown";

function Landing(props: { app: string; sequence: number; code: string | undefined; onOpen: () => void }): JSX.Element {
  const { app, sequence, code, onOpen } = props;
  const host = useHost();
  const { apps, customer } = useSnapshot();
  const { t, both } = useWords();
  const [device, setDevice] = useState("");
  const [state, setState] = useState<TrialState>("unknown");
  const listed = apps.find((each) => each.id === app);
  useEffect(() => {
    host.deviceId().then(setDevice, () => setDevice(""));
  }, [host]);
  useEffect(() => {
    let isShown = true;
    void host.trialState(app, sequence).then((found) => isShown && setState(found));
    return () => {
      isShown = false;
    };
  }, [host, app, sequence]);
  return (
    <SubPage title={listed ? both(listed.name) : app} back="home">
      <div className="empty">
        <span className="empty-icon">
          <Icon name="code" size={30} />
        </span>
        <b>{app}</b>
        <p>{t(`trial_lead_${state}`, { sequence: String(sequence) })}</p>
      </div>
      {code && (
        <div className="card trial-refused" role="alert">
          <p>{t(code === NOT_FOR_YOU ? "trial_not_you" : "trial_failed")}</p>
          <code className="mono">{code}</code>
          {code === NOT_FOR_YOU && device && (
            <p>
              {t("trial_device")} <code className="mono">{device}</code>
            </p>
          )}
        </div>
      )}
      {state !== "killed" && <Ways app={app} sequence={sequence} onOpen={onOpen} isSignedIn={customer !== null} />}
    </SubPage>
  );
}

function Ways(props: { app: string; sequence: number; onOpen: () => void; isSignedIn: boolean }): JSX.Element {
  const { t } = useWords();
  return (
    <div className="trial-actions">
      <button type="button" className="button" onClick={props.onOpen}>
        {t("trial_open")}
      </button>
      {!props.isSignedIn && (
        <button type="button" className="button quiet" onClick={() => go("sign-in")}>
          {t("trial_sign_in")}
        </button>
      )}
      <a className="button quiet" href={deepLink(props.app, props.sequence)}>
        {t("trial_in_app")}
      </a>
    </div>
  );
}

/** The link that the bank's own app opens; the workspace is the first part of this host. */
function deepLink(app: string, sequence: number): string {
  const [workspace = ""] = location.hostname.split(".");
  return `sampan://trial/${workspace}/${app}/${sequence}`;
}
