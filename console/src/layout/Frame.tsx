/** The frame of every page: menu, breadcrumb, language, look, account; a drawer on phones. */

import {
  CheckOutlined,
  DownOutlined,
  LogoutOutlined,
  MenuOutlined,
  MoonOutlined,
  QuestionCircleOutlined,
  SunOutlined,
  UserOutlined,
} from "@ant-design/icons";
import { Dropdown, Tooltip } from "antd";
import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, NavLink, Outlet, useLocation, useNavigate } from "react-router";
import { useKeptFocus } from "../app/focus";
import { useLive } from "../app/live";
import { MENU } from "../app/menu";
import { useLook, type Wish } from "../app/preferences";
import { opens } from "../app/rights";
import { SecondFactor } from "../app/SecondFactor";
import { useSession } from "../app/session";
import { useShortcuts } from "../app/shortcuts";
import { initials } from "../design/Small";
import { Loading } from "../design/States";
import { useText } from "../i18n";
import { WorkspaceDialog } from "../pages/session/SignIn";
import { type Counts, useCounts } from "./counts";
import { useCrumbs } from "./crumbs";
import { LanguageButton } from "./LanguageButton";
import { Mark } from "./Mark";
import { NoticesButton } from "./NoticesButton";
import { ShortcutsDialog } from "./ShortcutsDialog";

export function Frame() {
  const { say } = useText();
  const { me } = useSession();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [showKeys, setShowKeys] = useState(false);
  const [isSwitching, setSwitching] = useState(false);
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const counts = useCounts();
  useLive();
  useKeptFocus(main);

  const groups = useMemo(
    () =>
      MENU.map((group) => ({
        ...group,
        places: group.places.filter((place) => opens(me, place.needs)),
      })).filter((group) => group.places.length > 0),
    [me],
  );
  const keys = useMemo(() => {
    const places = groups.flatMap((group) => group.places);
    return new Map(places.flatMap((place) => (place.key ? [[place.key, place.path] as const] : [])));
  }, [groups]);
  useShortcuts(
    keys,
    useCallback(() => setShowKeys(true), []),
    useCallback(() => setMenuOpen((open) => !open), []),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when the page changes
  useEffect(() => {
    setMenuOpen(false);
    if (isFirst.current) isFirst.current = false;
    else main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [pathname]);
  useEffect(() => {
    if (!isMenuOpen) return;
    const close = (event: KeyboardEvent) => event.key === "Escape" && setMenuOpen(false);
    window.addEventListener("keydown", close);
    return () => window.removeEventListener("keydown", close);
  }, [isMenuOpen]);

  return (
    <div className="frame">
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        {say("common.skip")}
      </button>
      {isMenuOpen ? (
        <button
          type="button"
          className="veil only-phone"
          aria-label={say("common.close")}
          onClick={() => setMenuOpen(false)}
        />
      ) : null}
      <aside className={isMenuOpen ? "frame-side open" : "frame-side"} id="menu">
        <Link to="/" className="brand">
          <Mark /> sampan
        </Link>
        <button type="button" className="workspace" onClick={() => setSwitching(true)}>
          <span className="grow">
            <small>{say("frame.workspace")}</small>
            {me.workspaces.find((one) => one.id === me.workspace)?.name || me.workspace}
          </span>
          <DownOutlined style={{ fontSize: 11 }} aria-hidden="true" />
        </button>
        <nav className="nav" aria-label={say("frame.mainNavigation")}>
          {groups.map((group) => (
            <div key={group.text}>
              <div className="nav-group" id={group.text}>
                {say(group.text)}
              </div>
              <ul aria-labelledby={group.text}>
                {group.places.map((place) => (
                  <li key={place.path}>
                    <NavLink to={place.path} end={place.path === "/"}>
                      <span aria-hidden="true">{place.icon}</span>
                      {say(place.text)}
                      <Count of={place.count} counts={counts} />
                    </NavLink>
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </nav>
      </aside>
      <div className="frame-main">
        <header className="topbar">
          <button
            type="button"
            className="icon-button only-phone"
            aria-label={say("common.menu")}
            aria-expanded={isMenuOpen}
            aria-controls="menu"
            onClick={() => setMenuOpen(true)}
          >
            <MenuOutlined />
          </button>
          <Crumbs />
          <Tooltip title={`${say("frame.shortcuts")} (?)`}>
            <button
              type="button"
              className="icon-button only-wide"
              aria-label={say("frame.shortcuts")}
              onClick={() => setShowKeys(true)}
            >
              <QuestionCircleOutlined />
            </button>
          </Tooltip>
          <NoticesButton />
          <LookButton />
          <LanguageButton />
          <AccountButton />
        </header>
        <main className="page" id="content" ref={main} tabIndex={-1}>
          <Suspense fallback={<Loading lines={8} />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <ShortcutsDialog isOpen={showKeys} onClose={() => setShowKeys(false)} groups={groups} />
      <WorkspaceDialog isOpen={isSwitching} onClose={() => setSwitching(false)} choices={me.workspaces} />
      <SecondFactor />
    </div>
  );
}

function Count({ of, counts }: { of: keyof Counts | undefined; counts: Counts }) {
  const { say } = useText();
  const n = of ? counts[of] : 0;
  if (n === 0) return null;
  return (
    <span className="nav-count">
      <span aria-hidden="true">{n >= 50 ? "50+" : n}</span>
      <span className="visually-hidden">{say("frame.waiting", { n })}</span>
    </span>
  );
}

function Crumbs() {
  const { say } = useText();
  const crumbs = useCrumbs();
  return (
    <nav className="crumbs" aria-label={say("frame.breadcrumb")}>
      <ol>
        {crumbs.map((crumb, n) => (
          <li key={crumb.title + String(n)} aria-current={n === crumbs.length - 1 ? "page" : undefined}>
            {crumb.to ? <Link to={crumb.to}>{crumb.title}</Link> : crumb.title}
          </li>
        ))}
      </ol>
    </nav>
  );
}

function LookButton() {
  const { say } = useText();
  const { mode, wish, setWish } = useLook();
  const words: Record<Wish, string> = {
    light: say("frame.light"),
    dark: say("frame.dark"),
    auto: say("frame.auto"),
  };
  return (
    <Dropdown
      trigger={["click"]}
      autoFocus
      menu={{
        selectedKeys: [wish],
        onClick: ({ key }) => setWish(key as Wish),
        items: (["light", "dark", "auto"] as const).map((key) => ({
          key,
          label: words[key],
          icon: <CheckOutlined style={{ visibility: key === wish ? "visible" : "hidden" }} />,
        })),
      }}
    >
      <button type="button" className="icon-button" aria-label={say("frame.theme")}>
        {mode === "dark" ? <MoonOutlined /> : <SunOutlined />}
      </button>
    </Dropdown>
  );
}

function AccountButton() {
  const { say } = useText();
  const { me, signOut } = useSession();
  const navigate = useNavigate();
  return (
    <Dropdown
      trigger={["click"]}
      autoFocus
      menu={{
        onClick: ({ key }) => {
          if (key === "account") navigate("/account");
          if (key === "out") void signOut();
        },
        items: [
          {
            key: "who",
            disabled: true,
            label: (
              <div style={{ padding: "2px 0" }}>
                <div style={{ color: "var(--ink)", fontWeight: 600 }}>{me.name}</div>
                <div style={{ color: "var(--ink2)" }}>{me.email}</div>
              </div>
            ),
          },
          { type: "divider" },
          { key: "account", icon: <UserOutlined />, label: say("frame.account") },
          { key: "out", icon: <LogoutOutlined />, label: say("frame.signOut") },
        ],
      }}
    >
      <button type="button" className="icon-button" aria-label={`${say("frame.account")}: ${me.name}`}>
        <span className="avatar" aria-hidden="true" data-initials={initials(me.name)} />
      </button>
    </Dropdown>
  );
}
