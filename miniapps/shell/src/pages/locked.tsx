import { type JSX, useEffect } from "react";
import { useSnapshot } from "../app";
import { useWords } from "../i18n";
import { go, goInstead } from "../route";
import { AppIcon, Empty, SubPage } from "../ui/parts";

/** Why an app does not open yet, and what to do; the app opens by itself once it may. */
export function Locked({ id }: { id: string }): JSX.Element {
  const { t, both } = useWords();
  const { apps, customer, tier } = useSnapshot();
  const app = apps.find((each) => each.id === id);
  const mayOpen = app?.mayOpen === true;
  useEffect(() => {
    if (mayOpen) goInstead(`app/${id}`);
  }, [mayOpen, id]);
  if (app === undefined) {
    return (
      <SubPage title={t("apps")} back="apps">
        <Empty icon="apps" title={t("apps_none")} />
      </SubPage>
    );
  }
  const now = t(tier);
  return (
    <SubPage title={both(app.name)} back="apps">
      <div className="empty">
        <AppIcon app={app} size={72} />
        <b>{app.neededTier ? t("locked", { tier: t(app.neededTier) }) : t("locked_hint")}</b>
        <p>{app.neededTier ? t("locked_needs", { tier: t(app.neededTier), now }) : t("locked_more", { now })}</p>
        {!customer && <p>{t("locked_sign_in")}</p>}
      </div>
      <div className="trial-actions">
        <button type="button" className="button" onClick={() => go(customer ? "me" : `sign-in/${id}`)}>
          {t(customer ? "locked_rise" : "sign_in")}
        </button>
      </div>
    </SubPage>
  );
}
