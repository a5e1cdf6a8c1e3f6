import { createContext, type JSX, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { Host, Snapshot } from "./host/host";
import { type Key, useWords, Words, WordsContext } from "./i18n";
import { zh } from "./i18n/zh";
import { AppPage } from "./pages/app_page";
import { AppSettings } from "./pages/app_settings";
import { Apps } from "./pages/apps";
import { Developer } from "./pages/developer";
import { Devices } from "./pages/devices";
import { ElderHome, Home } from "./pages/home";
import { Inbox } from "./pages/inbox";
import { Locked } from "./pages/locked";
import { Me } from "./pages/me";
import { SignIn } from "./pages/sign_in";
import { Trial } from "./pages/trial";
import { UpgradeBar, UpgradePage } from "./pages/upgrade";
import { go, useRoute } from "./route";
import { useSettings } from "./settings";
import { DialogsProvider, useDialogs } from "./ui/dialogs";
import { Icon, type IconName } from "./ui/icons";
import { Empty, Spinner } from "./ui/parts";

const HostContext = createContext<Host | null>(null);

export function useHost(): Host {
  const host = useContext(HostContext);
  if (host === null) throw new Error("useHost stands outside App");
  return host;
}

export function useSnapshot(): Snapshot {
  const host = useHost();
  return useSyncExternalStore(
    (listener) => host.subscribe(listener),
    () => host.snapshot(),
  );
}

/** The whole shell: language and appearance around the tabs, the pages and a running app. */
export function App({ host }: { host: Host }): JSX.Element {
  const settings = useSettings();
  const words = useMemo(() => new Words(settings.language), [settings.language]);
  const isDark = useDark(settings.appearance);
  useEffect(() => {
    const root = document.documentElement;
    root.lang = settings.language === "zh" ? "zh-CN" : "en";
    root.dataset.appearance = isDark ? "dark" : "light";
    root.toggleAttribute("data-elder", settings.isElder);
    document.title = words.t("bank");
    host.present(isDark ? "dark" : "light", settings.language, settings.isElder);
  }, [settings, isDark, words, host]);
  return (
    <HostContext.Provider value={host}>
      <WordsContext.Provider value={words}>
        <div className="phone">
          <DialogsProvider>
            <Questions />
            <Stage />
            <Screen />
          </DialogsProvider>
        </div>
      </WordsContext.Provider>
    </HostContext.Provider>
  );
}

function useDark(appearance: "system" | "light" | "dark"): boolean {
  const query = useMemo(() => matchMedia("(prefers-color-scheme: dark)"), []);
  const system = useSyncExternalStore(
    (listener) => {
      query.addEventListener("change", listener);
      return () => query.removeEventListener("change", listener);
    },
    () => query.matches,
  );
  return appearance === "system" ? system : appearance === "dark";
}

function Questions(): null {
  const host = useHost();
  const { t, both, money } = useWords();
  const { ask } = useDialogs();
  useEffect(() => {
    host.askBy({
      consent: (app, permission) =>
        ask({
          title: t("consent_title", { app: both(app.name) }),
          text: permissionText(t, permission),
          yes: t("allow"),
          no: t("refuse"),
        }),
      confirm: (app, { kind, title, order, amount }) =>
        ask({
          title: t(kind === "pay" ? "pay_title" : "sign_title", { app: both(app.name) }),
          amount: amount ? money(amount.minor, amount.currency) : undefined,
          facts: [
            [t("pay_for"), title],
            [t("pay_by"), both(app.name)],
            [t("order"), order],
          ],
          yes: t(kind === "pay" ? "pay_yes" : "sign_yes"),
        }),
    });
  }, [host, t, both, money, ask]);
  return null;
}

/** Where the apps' frames live, for as long as the shell does. */
function Stage(): JSX.Element {
  const host = useHost();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current) host.stageAt(place.current);
  }, [host]);
  return <div className="stage" ref={place} />;
}

/** The words for a permission; its own name where there are none. */
export function permissionText(t: Words["t"], permission: string): string {
  const names = [permission, permission.split(".").at(-1) ?? "", permission.split(".")[0] ?? ""];
  const known = names.map((name) => `permission.${name}`).find((key) => key in zh);
  return known ? t(known as Key) : permission;
}

function Screen(): JSX.Element {
  const [page = "home", ...rest] = useRoute();
  const { phase, online, upgrade } = useSnapshot();
  const { t } = useWords();
  if (phase === "starting") return <Starting />;
  if (phase === "unreachable") return <Unreachable />;
  // Who cannot reach the bank cannot fetch an upgrade either, and keeps what works without it.
  if (upgrade?.isForced && online) return <UpgradePage upgrade={upgrade} />;
  if (page === "app" && rest[0] !== undefined) return <AppPage key={rest[0]} id={rest[0]} />;
  const [app, sequence] = rest;
  if (page === "trial" && app !== undefined && /^[0-9]{1,15}$/.test(sequence ?? "")) {
    return <Trial key={rest.join("/")} app={app} sequence={Number(sequence)} />;
  }
  return (
    <>
      {!online && (
        <div className="offline" role="status">
          {t("offline")}
        </div>
      )}
      {upgrade && !upgrade.isForced && <UpgradeBar upgrade={upgrade} />}
      <Page page={page} rest={rest} />
    </>
  );
}

function Starting(): JSX.Element {
  const { t } = useWords();
  return (
    <div className="starting">
      <img src="/icon.svg" alt="" width="84" height="84" />
      <b>{t("bank")}</b>
      <Spinner label={t("opening")} />
    </div>
  );
}

function Unreachable(): JSX.Element {
  const { t } = useWords();
  return (
    <div className="starting">
      <Empty icon="alert" title={t("load_failed")} hint={t("load_failed_hint")} />
      <button type="button" className="button" onClick={() => location.reload()}>
        {t("retry")}
      </button>
    </div>
  );
}

function Page({ page, rest }: { page: string; rest: readonly string[] }): JSX.Element {
  if (page === "sign-in") return <SignIn backTo={rest[0]} />;
  if (page === "locked" && rest[0] !== undefined) return <Locked id={rest[0]} />;
  if (page === "devices") return <Devices />;
  if (page === "app-settings") return <AppSettings id={rest[0]} />;
  if (page === "developer") return <Developer id={rest[0]} />;
  return (
    <div className="page">
      <Tab page={page} />
      <Tabs page={page} />
    </div>
  );
}

function Tab({ page }: { page: string }): JSX.Element {
  const { isElder } = useSettings();
  if (page === "apps") return <Apps />;
  if (page === "inbox") return <Inbox />;
  if (page === "me") return <Me />;
  return isElder ? <ElderHome /> : <Home />;
}

const TABS: readonly (readonly [IconName & Key, IconName])[] = [
  ["home", "home"],
  ["apps", "apps"],
  ["inbox", "inbox"],
  ["me", "me"],
];

function Tabs({ page }: { page: string }): JSX.Element {
  const { t } = useWords();
  const [count, setCount] = useState(0);
  const { apps } = useSnapshot();
  useEffect(() => setCount(apps.filter((app) => app.hasUpdate && app.mayOpen).length), [apps]);
  return (
    <nav className="tabs">
      {TABS.map(([name, icon]) => (
        <button type="button" key={name} aria-current={page === name ? "page" : undefined} onClick={() => go(name)}>
          <Icon name={icon} />
          <span>{t(name)}</span>
          {name === "apps" && count > 0 && <i className="badge">{count}</i>}
        </button>
      ))}
    </nav>
  );
}
