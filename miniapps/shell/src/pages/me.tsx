import { type JSX, useState } from "react";
import { useHost, useSnapshot } from "../app";
import { TIERS, type Tier } from "../host/host";
import { type Key, useWords } from "../i18n";
import { go } from "../route";
import { changeSettings, useSettings } from "../settings";
import { useDialogs } from "../ui/dialogs";
import { Icon } from "../ui/icons";
import { Choice, Row, Switch } from "../ui/parts";
import { messageOf } from "./problem";

/** The customer's own page: tier and how to rise, devices, permissions, appearance. */
export function Me(): JSX.Element {
  const { t } = useWords();
  const host = useHost();
  const { customer, tier } = useSnapshot();
  const { ask, toast } = useDialogs();
  const signOut = async (): Promise<void> => {
    const isSure = await ask({ title: t("sign_out"), text: t("sign_out_ask"), isDanger: true });
    if (isSure) await host.signOut().catch((problem: unknown) => toast(messageOf(problem, t)));
  };
  return (
    <main className="content">
      <h1 className="title">{t("me")}</h1>
      <section className="card person">
        <span className="face">
          <Icon name="me" size={30} />
        </span>
        <span className="row-text">
          <b>{customer ? customer.name : t("visitor")}</b>
          <small>{customer ? customer.phone : t("sign_in_hint")}</small>
        </span>
        {!customer && (
          <button type="button" className="button small" onClick={() => go("sign-in")}>
            {t("sign_in")}
          </button>
        )}
      </section>
      <TierCard tier={tier} isSignedIn={customer !== null} />
      <section className="card">
        {customer && <Row icon="device" title={t("devices")} hint={t("devices_hint")} onPress={() => go("devices")} />}
        <Row icon="shield" title={t("app_settings")} hint={t("app_settings_hint")} onPress={() => go("app-settings")} />
        <Row icon="code" title={t("developer")} hint={t("developer_hint")} onPress={() => go("developer")} />
      </section>
      <Appearance />
      {customer && (
        <section className="card">
          <Row icon="out" title={t("sign_out")} isDanger onPress={signOut} />
        </section>
      )}
    </main>
  );
}

/** The four tiers as steps; in the demo the next one is a press away, as if the bank had done it. */
function TierCard({ tier, isSignedIn }: { tier: Tier; isSignedIn: boolean }): JSX.Element {
  const { t } = useWords();
  const host = useHost();
  const { demo } = useSnapshot();
  const { toast } = useDialogs();
  const [isBusy, setBusy] = useState(false);
  const at = TIERS.indexOf(tier);
  const next = TIERS[at + 1];
  const rise = async (): Promise<void> => {
    if (next === undefined) return;
    if (!isSignedIn) return go("sign-in");
    setBusy(true);
    try {
      await host.raiseTo(next);
      toast(t("tier_raised", { tier: t(next) }));
    } catch (problem) {
      toast(messageOf(problem, t));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="card tiers" aria-label={t("tier")}>
      <ol>
        {TIERS.map((each, index) => (
          <li key={each} className={index <= at ? "reached" : ""} aria-current={each === tier ? "step" : undefined}>
            <i>{index <= at && <Icon name="check" size={14} />}</i>
            <span>{t(each)}</span>
          </li>
        ))}
      </ol>
      <p className="soft">{next ? t(`tier_why_${next}` as Key) : t("tier_top")}</p>
      {next && (demo || !isSignedIn) && (
        <button type="button" className="button wide" disabled={isBusy} onClick={rise}>
          {isSignedIn ? t("tier_next", { tier: t(next) }) : t("sign_in")}
        </button>
      )}
      {next && demo && isSignedIn && <p className="soft centre">{t("tier_demo")}</p>}
    </section>
  );
}

function Appearance(): JSX.Element {
  const { t } = useWords();
  const settings = useSettings();
  const appearances = (["system", "light", "dark"] as const).map((each) => [each, t(`appearance_${each}`)] as const);
  return (
    <section className="card">
      <Row
        icon="language"
        title={t("language")}
        right={
          <Choice
            label={t("language")}
            value={settings.language}
            options={[
              ["zh", "中文"],
              ["en", "English"],
            ]}
            onChange={(language) => changeSettings({ language })}
          />
        }
      />
      <Row
        icon="moon"
        title={t("appearance")}
        right={
          <Choice
            label={t("appearance")}
            value={settings.appearance}
            options={appearances}
            onChange={(appearance) => changeSettings({ appearance })}
          />
        }
      />
      <Row
        icon="large"
        title={t("elder")}
        hint={t("elder_hint")}
        right={
          <Switch label={t("elder")} isOn={settings.isElder} onChange={(isElder) => changeSettings({ isElder })} />
        }
      />
    </section>
  );
}
