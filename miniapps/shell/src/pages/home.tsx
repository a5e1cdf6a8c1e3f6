import type { JSX } from "react";
import { useHost, useSnapshot } from "../app";
import { useWords } from "../i18n";
import { go } from "../route";
import { Icon } from "../ui/icons";
import { AppIcon, Empty } from "../ui/parts";
import { AppTile, NoApps } from "./app_list";

/** The front page: who you are, what you used last, what the bank has for you. */
export function Home(): JSX.Element {
  const { t } = useWords();
  const { apps, recents } = useSnapshot();
  const used = recents.map((id) => apps.find((app) => app.id === id)).filter((app) => app !== undefined);
  return (
    <main className="content home">
      <Hero />
      <section aria-labelledby="recent">
        <h2 id="recent">{t("recent")}</h2>
        {used.length === 0 ? (
          <p className="soft">{t("recent_none")}</p>
        ) : (
          <div className="tiles">
            {used.slice(0, 4).map((app) => (
              <AppTile key={app.id} app={app} />
            ))}
          </div>
        )}
      </section>
      <section aria-labelledby="all">
        <h2 id="all">{t("all_apps")}</h2>
        {apps.length === 0 ? (
          <NoApps />
        ) : (
          <div className="tiles">
            {apps.slice(0, 8).map((app) => (
              <AppTile key={app.id} app={app} />
            ))}
          </div>
        )}
      </section>
      <section aria-labelledby="slot">
        <h2 id="slot">{t("for_you")}</h2>
        <Empty icon="spark" title={t("slot_none")} hint={t("slot_hint")} />
      </section>
    </main>
  );
}

function Hero(): JSX.Element {
  const { t } = useWords();
  const { customer, tier } = useSnapshot();
  return (
    <header className="hero">
      <div className="hero-line">
        <img src="/icon.svg" alt="" width="34" height="34" />
        <h1>{t("bank")}</h1>
        <button type="button" className="hero-search" aria-label={t("search")} onClick={() => go("apps")}>
          <Icon name="search" />
        </button>
      </div>
      <button type="button" className="hero-card" onClick={() => go(customer ? "me" : "sign-in")}>
        <span className="row-text">
          <b>{customer ? customer.name : t("sign_in")}</b>
          <small>{customer ? customer.phone : t("sign_in_hint")}</small>
        </span>
        <span className={`tier tier-${tier}`}>{t(tier)}</span>
      </button>
    </header>
  );
}

/** Easy mode's front page: few, large things. */
export function ElderHome(): JSX.Element {
  const host = useHost();
  const { both } = useWords();
  const { apps } = useSnapshot();
  return (
    <main className="content home elder">
      <Hero />
      <div className="elder-list">
        {apps
          .filter((app) => app.mayOpen)
          .map((app) => (
            <button
              type="button"
              key={app.id}
              className="elder-row"
              onPointerDown={() => host.warm(app.id)}
              onClick={() => go(`app/${app.id}`)}
            >
              <AppIcon app={app} size={60} />
              <b>{both(app.name)}</b>
            </button>
          ))}
      </div>
      {apps.length === 0 && <NoApps />}
    </main>
  );
}
