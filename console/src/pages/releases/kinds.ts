/** What a release can roll out, and where the versions of each kind are read. */

import { query } from "../../api/client";
import { useSession } from "../../app/session";
import { useAppNames } from "../apps/names";
import type { Values } from "./plan";

export const KINDS = ["miniapp", "app_upgrade", "switch"] as const;
export type Kind = (typeof KINDS)[number];

/** Returns the kind that is entered; a shared package is chosen like a mini-app. */
export const kindOf = (kind: string | null | undefined): Kind => KINDS.find((each) => each === kind) ?? "miniapp";

/** Devices report on packages alone, so nothing else can be watched by a gate. */
export const isWatched = ({ kind }: Pick<Values, "kind">): boolean => kindOf(kind) === "miniapp";

/** Where the page of a deliverable is. */
export function pageOf(kind: string, id: string): string {
  if (kind === "app_upgrade") return `/client-apps/${id}/upgrades`;
  return kind === "switch" ? `/switches/${encodeURIComponent(id)}` : `/apps/${id}`;
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
  return (kind, id) => (kindOf(kind) === "app_upgrade" ? clientApp(id) : apps(id)) || id;
}

type Found = { items: { sequence: number; version: string }[] | undefined };

/** Returns the versions of a deliverable that can be released, the newest first; undefined until they are known. */
export function useVersions(kind: Kind, id: string): Found {
  const is = (wanted: Kind) => ({ enabled: kind === wanted && id !== "" });
  const most = { limit: 100 };
  const versions = query.useQuery(
    "get",
    "/apps/{app}/versions",
    { params: { path: { app: id }, query: { state: ["published"], ...most } } },
    is("miniapp"),
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
  return { items: versions.data?.items };
}

/** Returns what can be gone back to; of a switch also what is served now. */
export function useTargets(kind: Kind, id: string, sequence: number | undefined): Found {
  const { items } = useVersions(kind, id);
  const served = query.useQuery(
    "get",
    "/switches/{switch}",
    { params: { path: { switch: id } } },
    { enabled: kind === "switch" && id !== "" },
  );
  const edition = served.data?.edition;
  const present = edition === undefined ? [] : [{ sequence: edition, version: String(edition) }];
  const found = kind === "switch" ? present : items;
  return { items: found?.filter((each) => sequence !== undefined && each.sequence < sequence) };
}
