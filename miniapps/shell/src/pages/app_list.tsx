import type { JSX } from "react";
import { useHost, useSnapshot } from "../app";
import type { CatalogueApp } from "../host/host";
import { useWords } from "../i18n";
import { go } from "../route";
import { Icon } from "../ui/icons";
import { AppIcon, Empty, Spinner } from "../ui/parts";

/** An app as a tile: icon, name, a dot when an update waits, a lock when the tier is too low. */
export function AppTile({ app }: { app: CatalogueApp }): JSX.Element {
  const host = useHost();
  const { t, both } = useWords();
  const locked = app.neededTier ? t("locked", { tier: t(app.neededTier) }) : t("locked_hint");
  return (
    <button
      type="button"
      className={app.mayOpen ? "tile" : "tile locked"}
      aria-label={app.mayOpen ? both(app.name) : `${both(app.name)}, ${locked}`}
      onPointerDown={() => app.mayOpen && host.warm(app.id)}
      onClick={() => go(`${app.mayOpen ? "app" : "locked"}/${app.id}`)}
    >
      <span className="tile-icon">
        <AppIcon app={app} />
        {app.mayOpen && app.hasUpdate && <i className="dot" title={t("updated")} />}
        {!app.mayOpen && (
          <span className="tile-lock">
            <Icon name="lock" size={14} />
          </span>
        )}
      </span>
      <span className="tile-name">{both(app.name)}</span>
    </button>
  );
}

/** An app as a row, with what it does. */
export function AppRow({ app }: { app: CatalogueApp }): JSX.Element {
  const host = useHost();
  const { t, both } = useWords();
  const locked = app.neededTier ? t("locked", { tier: t(app.neededTier) }) : t("locked_hint");
  return (
    <button
      type="button"
      className={app.mayOpen ? "row" : "row locked"}
      onPointerDown={() => app.mayOpen && host.warm(app.id)}
      onClick={() => go(`${app.mayOpen ? "app" : "locked"}/${app.id}`)}
    >
      <AppIcon app={app} size={44} />
      <span className="row-text">
        <b>{both(app.name)}</b>
        <small>{both(app.text)}</small>
      </span>
      {app.mayOpen ? (
        app.hasUpdate && <span className="tag">{t("updated")}</span>
      ) : (
        <span className="tag quiet">
          <Icon name="lock" size={13} /> {locked}
        </span>
      )}
    </button>
  );
}

/** What stands in place of apps: that there are none, or that the bank was not heard yet. */
export function NoApps(): JSX.Element {
  const { t } = useWords();
  const { hasCatalogue } = useSnapshot();
  if (!hasCatalogue) return <Spinner label={t("loading")} />;
  return <Empty icon="apps" title={t("apps_none")} hint={t("apps_none_hint")} />;
}

/** Apps whose name or text holds what was typed. */
export function matching(apps: readonly CatalogueApp[], typed: string): readonly CatalogueApp[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === "") return apps;
  return apps.filter((app) =>
    [app.name.zh, app.name.en, app.text.zh, app.text.en].some((text) => text.toLowerCase().includes(wanted)),
  );
}
