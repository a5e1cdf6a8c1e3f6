import { type JSX, lazy, Suspense } from "react";
import { useHost } from "../app";
import type { Upgrade } from "../host/host";
import { useWords } from "../i18n";
import { Icon } from "../ui/icons";

// Few customers ever see one: what draws it is fetched when it is needed.
const QrCode = lazy(() => import("../ui/qr_code"));

/** A reminder of the shell's newer version, above the pages. */
export function UpgradeBar({ upgrade }: { upgrade: Upgrade }): JSX.Element {
  const host = useHost();
  const { t, both } = useWords();
  return (
    <aside className="upgrade-bar" aria-label={t("upgrade_title", { version: upgrade.version })}>
      <div className="upgrade-said">
        <b>{t("upgrade_title", { version: upgrade.version })}</b>
        <p>{both(upgrade.text)}</p>
      </div>
      <button type="button" className="button small quiet" onClick={() => host.putOffUpgrade()}>
        {t("upgrade_later")}
      </button>
      <a className="button small" href={upgrade.url} target="_blank" rel="noopener noreferrer">
        {t("upgrade_now")}
      </a>
    </aside>
  );
}

/** In place of all pages: without the newer version nothing goes on as long as the bank can be reached. */
export function UpgradePage({ upgrade }: { upgrade: Upgrade }): JSX.Element {
  const { t, both } = useWords();
  return (
    <main className="upgrade-page">
      <span className="empty-icon">
        <Icon name="shield" size={30} />
      </span>
      <h1>{t("upgrade_forced")}</h1>
      <p className="upgrade-version">{t("upgrade_title", { version: upgrade.version })}</p>
      <p className="upgrade-text">{both(upgrade.text)}</p>
      <a className="button wide" href={upgrade.url} target="_blank" rel="noopener noreferrer">
        {t("upgrade_now")}
      </a>
      <div className="upgrade-code">
        <Suspense fallback={null}>
          <QrCode text={upgrade.url} label={t("upgrade_scan")} />
        </Suspense>
      </div>
      <p className="upgrade-hint">{t("upgrade_scan")}</p>
      <button type="button" className="button quiet" onClick={() => location.reload()}>
        {t("upgrade_done")}
      </button>
    </main>
  );
}
