import { type JSX, useEffect, useState, useSyncExternalStore } from "react";
import { useHost, useSnapshot } from "../app";
import type { AppPhase, CatalogueApp } from "../host/host";
import { useWords } from "../i18n";
import { go } from "../route";
import { Sheet } from "../ui/dialogs";
import { Icon } from "../ui/icons";
import { AppIcon, Row } from "../ui/parts";
import { refusalText } from "./refusals";
import { ReportSheet } from "./report";
import { Broken, Trouble } from "./trouble";

/** What lies over a running app: a cover until it shows itself, and the capsule that every app has. */
export function AppPage({ id }: { id: string }): JSX.Element {
  const host = useHost();
  const { apps, workbench } = useSnapshot();
  const app = apps.find((each) => each.id === id);
  const [sinceMs, setSinceMs] = useState(0);
  const phase = useSyncExternalStore(
    (listener) => host.subscribe(listener),
    () => host.phase(id),
  );
  useEffect(() => {
    void host.open(id);
    return () => host.hide(id);
  }, [host, id]);
  const openAnew = (): void => {
    setSinceMs(Date.now());
    host.close(id);
    // The host goes home when an app closes; this one comes back at once.
    go(`app/${id}`);
    void host.open(id);
  };
  // What is being written opens anew by itself.
  const isStale = workbench?.app === id && phase.newer !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each newer version
  useEffect(() => {
    if (isStale) openAnew();
  }, [isStale, phase.newer]);
  return (
    <div className="app-page">
      {phase.step !== "running" && (
        <Cover app={app} phase={phase} isWritten={workbench?.app === id} onRetry={openAnew} />
      )}
      {phase.step === "running" && phase.newer && <UpdateBar app={app} onPress={openAnew} />}
      {workbench?.app === id && <Broken />}
      {workbench?.app === id && <Trouble id={id} sinceMs={sinceMs} onDismiss={() => setSinceMs(Date.now())} />}
      <Capsule id={id} app={app} />
    </div>
  );
}

function UpdateBar({ app, onPress }: { app: CatalogueApp | undefined; onPress: () => void }): JSX.Element {
  const { t, both } = useWords();
  return (
    <div className="update-bar" role="status">
      <span>{t("version_ready", { app: app ? both(app.name) : "" })}</span>
      <button type="button" className="button small" onClick={onPress}>
        {t("open_anew")}
      </button>
    </div>
  );
}

function Cover(props: {
  app: CatalogueApp | undefined;
  phase: AppPhase;
  isWritten: boolean;
  onRetry: () => void;
}): JSX.Element {
  const { t, both } = useWords();
  const { refusal, step } = props.phase;
  if (refusal) {
    // The SDK's own sentence is for who writes the app.
    return <Refused code={refusal.code} detail={props.isWritten ? refusal.detail : ""} onRetry={props.onRetry} />;
  }
  return (
    <div className="cover">
      {props.app && <AppIcon app={props.app} size={72} />}
      <b>{props.app ? both(props.app.name) : ""}</b>
      <progress max={1} aria-label={t("opening")} />
      <p className="soft">{t(step === "installing" ? "installing" : "verifying")}</p>
    </div>
  );
}

const KILLED = ["open_killed", "install_killed"];

function Refused(props: { code: string; detail: string; onRetry: () => void }): JSX.Element {
  const { t } = useWords();
  const isKilled = KILLED.includes(props.code);
  const title = isKilled ? "killed" : props.code === "offline" ? "offline_not_installed" : "refused";
  return (
    <div className="cover" role="alert">
      <span className="empty-icon bad">
        <Icon name={isKilled ? "lock" : "shield"} size={34} />
      </span>
      <b>{t(title)}</b>
      <p className="soft">{t(refusalText(props.code))}</p>
      {props.detail && <p className="soft mono">{props.detail}</p>}
      <code className="mono">{props.code}</code>
      <div className="sheet-actions">
        <button type="button" className="button quiet" onClick={() => go("home")}>
          {t("close")}
        </button>
        <button type="button" className="button" onClick={props.onRetry}>
          {t("retry")}
        </button>
      </div>
    </div>
  );
}

/** The two buttons that no app can cover or move: more, and close. */
function Capsule({ id, app }: { id: string; app: CatalogueApp | undefined }): JSX.Element {
  const { t, both } = useWords();
  const host = useHost();
  const [open, setOpen] = useState<"menu" | "report" | null>(null);
  const close = (): void => {
    host.close(id);
    if (location.hash === `#/app/${id}`) go("home");
  };
  return (
    <>
      <div className="capsule">
        <button type="button" aria-label={t("more")} onClick={() => setOpen("menu")}>
          <Icon name="more" />
        </button>
        <button type="button" aria-label={t("close")} onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      {open === "menu" && (
        <Sheet title={app ? both(app.name) : id} onClose={() => setOpen(null)}>
          <Row icon="shield" title={t("app_settings")} onPress={() => go(`app-settings/${id}`)} />
          <Row icon="code" title={t("developer")} onPress={() => go(`developer/${id}`)} />
          {app && <Row icon="flag" title={t("report")} isDanger onPress={() => setOpen("report")} />}
        </Sheet>
      )}
      {open === "report" && app && <ReportSheet app={app} onClose={() => setOpen(null)} />}
    </>
  );
}
