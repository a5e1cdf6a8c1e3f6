/** What a release can roll out, and where the versions of each kind are read. */

import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useText } from "../../i18n";
import { useAppNames } from "../apps/names";
import { hotfixPath, isLive, patchedOf, versionPath } from "../hotfixes/words";
import { isPackage, type Kind, kindOf } from "./kindNames";

export { appOf, isPackage, isWatched, KINDS, type Kind, kindOf, versionSaid } from "./kindNames";

/** Where the page of a deliverable is. */
export function pageOf(kind: string, id: string): string {
  if (kind === "app_upgrade") return `/client-apps/${id}/upgrades`;
  if (kind === "hotfix") {
    const { app, sequence } = patchedOf(id);
    return versionPath(app, sequence);
  }
  return kind === "switch" ? `/switches/${encodeURIComponent(id)}` : `/apps/${id}`;
}

/** Where the page of one version of a deliverable is. */
export function versionPageOf(kind: string, id: string, sequence: number): string {
  return kind === "hotfix" ? hotfixPath({ ...patchedOf(id), n: sequence }) : versionPath(id, sequence);
}

/** Returns a function from a deliverable to what people call it; to its id where it has no name, or none that the reader may see. */
export function useDeliverableNames(): (kind: string | undefined, id: string) => string {
  const { may } = useSession();
  const apps = useAppNames();
  const found = query.useQuery(
    "get",
    "/client-apps",
    { params: { query: { limit: 100 } } },
    { enabled: may("client_app:read"), staleTime: 60_000 },
  );
  const clientApp = (id: string) => found.data?.items.find((each) => each.id === id)?.name;
  return (kind, id) => {
    if (kindOf(kind) === "app_upgrade") return clientApp(id) || id;
    if (kindOf(kind) !== "hotfix") return apps(id) || id;
    return apps(patchedOf(id).app) || patchedOf(id).app;
  };
}

type Found = { items: { sequence: number; version: string }[] | undefined };

/** Returns the versions of a deliverable that can be released, the newest first; undefined until they are known. */
export function useVersions(kind: Kind, id: string): Found {
  const { say } = useText();
  const is = (wanted: Kind) => ({ enabled: kind === wanted && id !== "" });
  const { app, sequence } = patchedOf(id);
  const most = { limit: 100 };
  const versions = query.useQuery(
    "get",
    "/apps/{app}/versions",
    { params: { path: { app: id }, query: { state: ["published"], ...most } } },
    { enabled: isPackage({ kind }) && id !== "" },
  );
  const hotfixes = query.useQuery(
    "get",
    "/apps/{app}/versions/{sequence}/hotfixes",
    { params: { path: { app, sequence }, query: most } },
    { enabled: kind === "hotfix" && sequence > 0 },
  );
  const upgrades = query.useQuery(
    "get",
    "/client-apps/{app_id}/upgrades",
    { params: { path: { app_id: id }, query: most } },
    is("app_upgrade"),
  );
  const proposals = query.useQuery(
    "get",
    "/switches/{switch}/proposals",
    { params: { path: { switch: id }, query: most } },
    is("switch"),
  );
  if (kind === "app_upgrade") {
    const living = upgrades.data?.items.filter((each) => each.withdrawn === "");
    return { items: living?.map(({ build, version }) => ({ sequence: build, version })) };
  }
  if (kind === "switch") {
    return { items: proposals.data?.items.map(({ edition }) => ({ sequence: edition, version: String(edition) })) };
  }
  if (kind === "hotfix") {
    const living = hotfixes.data?.items.filter(isLive);
    const called = (n: number, title: string) => `${say("hotfixes.one", { n })} ${title}`.trim();
    return { items: living?.map(({ n, title }) => ({ sequence: n, version: called(n, title) })) };
  }
  return { items: versions.data?.items };
}

/** Returns what can be gone back to; of a switch also what is served now, of a hotfix also the version without any. */
export function useTargets(kind: Kind, id: string, sequence: number | undefined): Found {
  const { say } = useText();
  const { items } = useVersions(kind, id);
  const served = query.useQuery(
    "get",
    "/switches/{switch}",
    { params: { path: { switch: id } } },
    { enabled: kind === "switch" && id !== "" },
  );
  const edition = served.data?.edition;
  const present = edition === undefined ? [] : [{ sequence: edition, version: String(edition) }];
  const bare = { sequence: 0, version: say("hotfixes.versionItself") };
  const found = kind === "switch" ? present : kind === "hotfix" && items ? [...items, bare] : items;
  return { items: found?.filter((each) => sequence !== undefined && each.sequence < sequence) };
}
