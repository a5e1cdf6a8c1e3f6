/** Mini-apps by the names that customers see, for readers who may see the catalogue. */

import { useState } from "react";
import { Link } from "react-router";
import { query } from "../../api/client";
import type { Tier } from "../../api/types";
import { apiRoot } from "../../api/workspace";
import { useSession } from "../../app/session";
import { pick, useText } from "../../i18n";

function useCatalogue() {
  const { may } = useSession();
  return query.useQuery("get", "/catalogue", {}, { enabled: may("catalogue:read", {}), staleTime: 60_000 });
}

/** Returns a function from an app's id to its name in the reader's language, or "" when it has none. */
export function useAppNames(): (app: string) => string {
  const { language } = useText();
  const found = useCatalogue();
  return (app) => {
    const entry = found.data?.items.find((item) => item.app === app);
    return entry ? pick(language, { zh: entry.name_zh, en: entry.name_en }) : "";
  };
}

/** Whether names are known as far as they will be: a list that shows ids first would grow under somebody's hand. */
export const useAreAppsNamed = (): boolean => !useCatalogue().isLoading;

/** Returns from which tier on customers see an app: from the lowest where the catalogue does not list it. */
export function useSeeTier(app: string): Tier {
  const entry = useCatalogue().data?.items.find((item) => item.app === app);
  return entry?.listed ? entry.see_tier : "visitor";
}

/** Returns a function that puts an app's name for the id that a server text begins with, as in `bank.demo.bills 1.0.0`. */
export function useNamed(): (text: string) => string {
  const names = useAppNames();
  return (text) => text.replace(/^[a-z0-9_-]+(\.[a-z0-9_-]+)+/, (id) => names(id) || id);
}

/** The app's icon in its rounded square. */
export function AppIcon({ app, name }: { app: string; name: string }) {
  return (
    <span className="app-icon" aria-hidden="true">
      <Icon app={app} letter={[...name][0] ?? ""} />
    </span>
  );
}

type Named = { app: string; name?: string; link?: boolean; children?: React.ReactNode };

/** An app, or another thing by its name: what stands beside the name are the children. */
export function AppName({ app, name, link, children }: Named) {
  const names = useAppNames();
  const isAsked = useCatalogue().isLoading; // the second line stands from the start, so that nothing jumps
  const shown = names(app) || name || app;
  return (
    <span className="app-line">
      <AppIcon app={app} name={shown} />
      <span className="grow">
        {link ? (
          <Link className="strong" to={`/apps/${app}`}>
            {shown}
          </Link>
        ) : (
          <span className="strong">{shown}</span>
        )}{" "}
        {children}
        {shown === app && !isAsked ? null : (
          <span className="sub wrap" style={{ display: "block" }}>
            {app}
          </span>
        )}
      </span>
    </span>
  );
}

/** The app's own icon; the first letter of its name where there is none. */
export function Icon({ app, letter }: { app: string; letter: string }) {
  const { may } = useSession();
  const [isMissing, setMissing] = useState(false);
  const found = query.useQuery(
    "get",
    "/apps",
    { params: { query: { limit: 200 } } },
    { enabled: may("app:read"), staleTime: 60_000 },
  );
  const known = found.data?.items.find((item) => item.app === app);
  if (isMissing || known?.has_icon !== true) return letter;
  return <img src={`${apiRoot()}/apps/${app}/icon`} alt="" loading="lazy" onError={() => setMissing(true)} />;
}
