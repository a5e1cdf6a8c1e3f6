/** What sync answers, as far as a client reads it; unknown members are ignored (docs/protocols/sync.md). */

import { ServerAway } from "../session/calls";
import { isInteger, isList, isObject, type Json, type JsonObject } from "../trust/canonical";

export interface Offer {
  readonly action: string;
  readonly kind: string;
  readonly id: string;
  readonly version: string;
  readonly sequence: number;
  readonly digest: string;
  readonly size: number;
  readonly url: string;
  readonly update: string;
  readonly reason: string;
  readonly release: string;
  readonly ticket: string;
  /** Not downloaded in the background but on Wi-Fi. */
  readonly isWifiOnly: boolean;
  /** Fetched before the rest. */
  readonly isPredownload: boolean;
  /** A lower sequence that is installed updates before it opens; 0: none has to. */
  readonly minimum: number;
}

/** The hotfixes that one version of an app should have: their numbers, and the package digest that comes of them. */
export interface HotfixOffer {
  readonly id: string;
  readonly sequence: number;
  readonly patches: readonly string[];
  readonly digest: string;
  readonly size: number;
  readonly release: string;
  readonly ticket: string;
  readonly update: string;
}

/** One app of the catalogue; what the shell shows is in `entry` as the server sent it. */
export interface CatalogueItem {
  readonly id: string;
  readonly name: { readonly zh: string; readonly en: string };
  readonly text: { readonly zh: string; readonly en: string };
  readonly category: string;
  readonly icon: string;
  readonly mayOpen: boolean;
  readonly entry: JsonObject;
}

export interface Category {
  readonly id: string;
  readonly name: { readonly zh: string; readonly en: string };
}

export interface Catalogue {
  readonly items: readonly CatalogueItem[];
  readonly categories: readonly Category[];
}

export interface SyncAnswer {
  readonly revision: string;
  readonly nextCheckSeconds: number;
  readonly isUnsure: boolean;
  readonly offers: readonly Offer[];
  /** For versions of apps whatever is installed; a device takes those for what it has. */
  readonly hotfixes: readonly HotfixOffer[];
  readonly appsEtag: string;
  /** Null when the catalogue is unchanged. */
  readonly catalogue: Catalogue | null;
  /** What components add to the answer, as it came. */
  readonly members: JsonObject;
}

const OWN = new Set(["revision", "next_check_seconds", "unsure", "offers", "hotfixes", "apps", "control"]);

/** As the server's own setting. A timer of more than 24 days fires at once, and would ask without an end. */
const MOST_CHECK_SECONDS = 86_400;
// What does not fit an event could not be reported; such an offer is none.
const MAX_NAME = 200;
const MAX_ID = 40;

/** Read the answer; throw `ServerAway` when it is not the protocol's. */
export function readSyncAnswer(body: Json): SyncAnswer {
  const isWhole =
    isObject(body) && typeof body.revision === "string" && isInteger(body.next_check_seconds) && isList(body.offers);
  if (!isWhole || !isObject(body)) {
    throw new ServerAway("answer_unreadable", "The answer of sync is not the protocol's.");
  }
  const apps = isObject(body.apps) ? body.apps : {};
  return {
    revision: text(body, "revision"),
    nextCheckSeconds: Math.min(MOST_CHECK_SECONDS, Math.max(1, body.next_check_seconds as number)),
    isUnsure: body.unsure === true,
    offers: (isList(body.offers) ? body.offers : []).filter(isObject).map(readOffer),
    hotfixes: (isList(body.hotfixes) ? body.hotfixes : []).filter(isObject).map(readHotfix).filter(isStack),
    appsEtag: text(apps, "etag"),
    catalogue: isList(apps.items) ? readCatalogue(apps) : null,
    members: Object.fromEntries(Object.entries(body).filter(([name]) => !OWN.has(name))),
  };
}

function readHotfix(value: JsonObject): HotfixOffer {
  const { name, count } = reading(value);
  const { patches } = value;
  return {
    id: name("app"),
    sequence: count("sequence"),
    patches: (isList(patches) ? patches : []).filter((each) => typeof each === "string"),
    digest: name("digest"),
    size: count("size"),
    release: name("release", MAX_ID),
    ticket: name("ticket"),
    update: name("update"),
  };
}

const isStack = ({ patches }: HotfixOffer): boolean => patches.length > 0;

/** Members that are texts or counts, or what stands for them. */
function reading(value: JsonObject) {
  const name = (key: string, most = MAX_NAME): string => text(value, key).slice(0, most + 1);
  const count = (key: string): number => {
    const found = value[key];
    return isInteger(found) && found >= 0 ? found : 0;
  };
  return { name, count };
}

function readOffer(value: JsonObject): Offer {
  const { name, count } = reading(value);
  return {
    action: name("action"),
    kind: name("kind"),
    id: name("id"),
    version: name("version"),
    sequence: count("sequence"),
    digest: name("digest"),
    size: count("size"),
    url: text(value, "url"),
    update: name("update"),
    reason: name("reason"),
    release: name("release", MAX_ID),
    ticket: name("ticket"),
    isWifiOnly: value.wifi_only === true,
    isPredownload: value.predownload === true,
    minimum: count("minimum"),
  };
}

function readCatalogue(apps: JsonObject): Catalogue {
  const items = (isList(apps.items) ? apps.items : []).filter(isObject).map((entry) => ({
    id: text(entry, "id"),
    name: inBoth(entry, "name"),
    text: inBoth(entry, "text"),
    category: text(entry, "category"),
    icon: text(entry, "icon"),
    mayOpen: entry.may_open !== false,
    entry,
  }));
  const categories = (isList(apps.categories) ? apps.categories : [])
    .filter(isObject)
    .map((each) => ({ id: text(each, "id"), name: inBoth(each, "name") }));
  return { items, categories };
}

function inBoth(holder: JsonObject, name: string): { zh: string; en: string } {
  const value = holder[name];
  return isObject(value) ? { zh: text(value, "zh"), en: text(value, "en") } : { zh: "", en: "" };
}

function text(holder: JsonObject, name: string): string {
  const value = holder[name];
  return typeof value === "string" ? value : "";
}
