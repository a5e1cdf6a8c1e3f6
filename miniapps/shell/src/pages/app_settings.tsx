import { type JSX, useCallback, useEffect, useState } from "react";
import { permissionText, useHost, useSnapshot } from "../app";
import type { CatalogueApp, Consent } from "../host/host";
import { useWords } from "../i18n";
import { go } from "../route";
import { useDialogs } from "../ui/dialogs";
import { AppIcon, Empty, Row, SubPage } from "../ui/parts";
import { messageOf } from "./problem";
import { ReportSheet } from "./report";

/** Permissions and data of all apps, or of one. */
export function AppSettings({ id }: { id: string | undefined }): JSX.Element {
  const { t, both } = useWords();
  const { apps } = useSnapshot();
  const app = apps.find((each) => each.id === id);
  if (app) return <OneApp app={app} />;
  const installed = apps.filter((each) => each.installed !== null);
  return (
    <SubPage title={t("app_settings")} back="me">
      {installed.length === 0 && <Empty icon="shield" title={t("recent_none")} />}
      {installed.length > 0 && (
        <div className="card">
          {installed.map((each) => (
            <button type="button" className="row" key={each.id} onClick={() => go(`app-settings/${each.id}`)}>
              <AppIcon app={each} size={40} />
              <span className="row-text">
                <b>{both(each.name)}</b>
                <small>{each.installed?.version}</small>
              </span>
            </button>
          ))}
        </div>
      )}
    </SubPage>
  );
}

function OneApp({ app }: { app: CatalogueApp }): JSX.Element {
  const { t, both, when } = useWords();
  const host = useHost();
  const { ask, toast } = useDialogs();
  const [consents, setConsents] = useState<readonly Consent[]>([]);
  const [isReporting, setReporting] = useState(false);
  const name = both(app.name);

  const load = useCallback(async () => {
    try {
      setConsents((await host.consents()).filter((consent) => consent.app === app.id));
    } catch (failure) {
      toast(messageOf(failure, t));
    }
  }, [host, app.id, t, toast]);
  useEffect(() => void load(), [load]);

  const withdraw = async (permission: string): Promise<void> => {
    try {
      await host.withdraw(app.id, permission);
      toast(t("withdrawn"));
      await load();
    } catch (failure) {
      toast(messageOf(failure, t));
    }
  };
  const clear = async (): Promise<void> => {
    if (!(await ask({ title: t("clear"), text: t("clear_ask", { app: name }), isDanger: true }))) return;
    try {
      await host.clearData(app.id);
      toast(t("cleared"));
    } catch (failure) {
      toast(messageOf(failure, t));
    }
  };

  return (
    <SubPage title={name} back="app-settings">
      <section className="card about">
        <AppIcon app={app} size={60} />
        <b>{name}</b>
        <small>{both(app.text)}</small>
        {app.installed && (
          <small>
            {t("version")} {app.installed.version}
          </small>
        )}
      </section>
      <h2>{t("permissions")}</h2>
      <section className="card">
        {consents.length === 0 && <p className="soft pad">{t("permissions_none")}</p>}
        {consents.map((consent) => (
          <Row
            key={consent.permission}
            title={permissionText(t, consent.permission)}
            hint={when(consent.grantedMs)}
            right={
              <button type="button" className="button small quiet" onClick={() => void withdraw(consent.permission)}>
                {t("withdraw")}
              </button>
            }
          />
        ))}
      </section>
      <section className="card">
        <Row icon="trash" title={t("clear")} onPress={() => void clear()} />
        <Row icon="code" title={t("developer")} onPress={() => go(`developer/${app.id}`)} />
        <Row icon="flag" title={t("report")} isDanger onPress={() => setReporting(true)} />
      </section>
      {isReporting && <ReportSheet app={app} onClose={() => setReporting(false)} />}
    </SubPage>
  );
}
