/**
 * A device's round: sync, trust, install, report (docs/protocols/sync.md). Whatever the server says is a hint; what may
 * be installed and opened is decided by `Device` from signed metadata. Without a server, what is installed opens as before.
 */

import type { Progress } from "../download/package";
import type { EventQueue } from "../events/queue";
import type { Session } from "../session/session";
import { type Installed, isPatched, versionName } from "../store/installed";
import type { Exclusive } from "../store/locks";
import { StoreAway } from "../store/problems";
import type { Store } from "../store/store";
import type { Json, JsonObject } from "../trust/canonical";
import { isRefused, Refused } from "../trust/refused";
import { isAppId, packagePath } from "../trust/roles";
import { type Catalogue, type HotfixOffer, type Offer, readSyncAnswer } from "./answer";
import { inOrderOfFetching, Minimums } from "./client_rules";
import { Deliveries } from "./deliveries";
import type { Device, Hint } from "./device";

const SYNC = "/client/v1/sync";
const FACTS = "sync/facts";
const CATALOGUE = "sync/catalogue";
const MEMBERS = "sync/members";
const DAMAGED = "sync/damaged";
const KINDS = "sync/kinds";
const KNOWN_KINDS = ["miniapp", "shared"];
const MAX_TEXT = 500;

/** What the client says of itself; see the protocol. */
export interface Profile {
  readonly platform?: string;
  readonly os_version?: string;
  readonly app_version?: string;
  readonly host_version?: number;
  readonly model?: string;
  readonly region?: string;
  readonly network?: string;
  readonly lang?: string;
}

export interface SyncOptions {
  readonly clientApp: string;
  readonly session: Pick<Session, "call">;
  readonly device: Pick<Device, "sync" | "apply" | "packages">;
  readonly events: EventQueue;
  readonly store: Store;
  /** One round at a time, in all tabs. */
  readonly exclusive: Exclusive;
  readonly profile: () => Profile;
  /** Where the tree is served, from the server's root: `/trust/<workspace>/<profile>`. */
  readonly treePath: string;
  readonly nowMs: () => number;
  /** Whether downloads may cost nothing extra (`isFreeNetwork`). Default: yes. */
  readonly isOnFreeNetwork?: () => boolean;
  /** Carry out an install hint; a container waits with the switch while the app runs. Default: `device.apply`. */
  readonly install?: (hint: Hint & { action: "install" }, progress: Progress) => Promise<Installed | null>;
}

/** One thing that a round did. */
export interface Happening {
  readonly what:
    | "unchanged"
    | "unsure"
    | "offered"
    | "installed"
    | "waiting"
    | "deferred"
    | "removed"
    | "kept"
    | "refused"
    | "away";
  readonly app?: string;
  readonly sequence?: number;
  readonly code?: string;
  readonly message?: string;
}

export interface Round {
  readonly happenings: readonly Happening[];
  /** When to ask again, at the latest; add up to a tenth at random. */
  readonly nextCheckSeconds: number;
}

interface Facts {
  readonly revisionSeen: string;
  readonly appsEtag: string;
  readonly syncEtag: string;
  readonly nextCheckSeconds: number;
}

/** The hotfixes that an app runs with, as servers know them: below its version, by the number of the last one. */
const hotfixHeld = (app: string, runs: Installed): Json => {
  const { sequence, digest, patches = [] } = runs;
  return {
    kind: "hotfix",
    id: `${app}@${sequence}`,
    version: versionName(runs),
    sequence: Number(patches.at(-1)),
    digest,
  };
};

const NOTHING: Facts = { revisionSeen: "", appsEtag: "", syncEtag: "", nextCheckSeconds: 60 };

export class SyncClient {
  readonly deliveries: Deliveries;
  private happenings: Happening[] = [];
  private isRecovered = false;
  private readonly minimums: Minimums;
  private readonly wanted = new Set<string>();

  constructor(private readonly options: SyncOptions) {
    this.deliveries = new Deliveries(options.store, options.events);
    this.minimums = new Minimums(options.store, options.device.packages);
  }

  /** Somebody opens the app: the next rounds fetch it over any network. */
  want(app: string): void {
    this.wanted.add(app);
  }

  /** Whether what is installed of the app must be updated before it opens. */
  mustUpdate(app: string): Promise<boolean> {
    return this.minimums.mustUpdate(app);
  }

  /** The catalogue of the last answer that had one, without the network; null before the first. */
  async catalogue(): Promise<Catalogue | null> {
    return ((await this.options.store.get(CATALOGUE)) as Catalogue | undefined) ?? null;
  }

  /** What components added to the last answer, without the network; nothing before the first. */
  async members(): Promise<JsonObject> {
    return ((await this.options.store.get(MEMBERS)) as JsonObject | undefined) ?? {};
  }

  /**
   * Do one round. What the server or a rule refused of single apps is in it; what refused the round as a whole is
   * thrown (`ServerAway`, `ServerSaysNo`, `Refused`), and nothing has changed then.
   */
  run(): Promise<Round> {
    return this.options.exclusive("sync", async () => {
      this.happenings = [];
      if (!this.isRecovered) await this.recover();
      this.isRecovered = true;
      const nextCheckSeconds = await this.round();
      return { happenings: this.happenings, nextCheckSeconds };
    });
  }

  /** Tidy up after the crash that may have been before this start. */
  private async recover(): Promise<void> {
    const { packages } = this.options.device;
    await packages.recover();
    for (const app of await packages.apps()) await this.deliveries.finish(app, (await packages.state(app)).current);
  }

  /** A package turned out to be damaged: it is left out of the next sync, so that it is offered again. */
  async damaged(app: string): Promise<void> {
    await this.changeDamaged((apps) => [...new Set([...apps, app])]);
  }

  private async round(): Promise<number> {
    const { session, store } = this.options;
    const facts = await this.facts();
    // For what is damaged the server would answer that nothing is new.
    const isKnown = facts.syncEtag !== "" && (await this.damagedApps()).length === 0;
    const headers: Record<string, string> = isKnown ? { "if-none-match": facts.syncEtag } : {};
    const answer = await session.call("POST", SYNC, await this.request(facts), headers);
    if (answer.status === 304) {
      this.happenings.push({ what: "unchanged" });
      await this.refreshTrust();
      return facts.nextCheckSeconds;
    }
    const found = readSyncAnswer(answer.body);
    if (found.isUnsure) {
      this.happenings.push({ what: "unsure" });
      await this.refreshTrust();
      return found.nextCheckSeconds;
    }
    const { catalogue } = found;
    if (catalogue !== null) {
      // What closes an app first, the etag last: after a crash in between the whole catalogue comes again.
      const open = catalogue.items.filter((item) => item.mayOpen);
      await this.options.device.packages.rememberCatalogue(open.map((item) => item.id));
      await store.write([
        { key: CATALOGUE, value: catalogue },
        { key: FACTS, value: { ...facts, appsEtag: found.appsEtag } },
      ]);
    }
    await store.write([this.minimums.row(found.offers)]);
    await this.refreshTrust();
    let isAllDone = true;
    for (const offer of inOrderOfFetching(found.offers)) isAllDone = (await this.carryOut(offer)) && isAllDone;
    // After the versions: a version that came in this round gets its hotfixes in it too.
    for (const offer of found.hotfixes) isAllDone = (await this.carryOutHotfix(offer)) && isAllDone;
    // An answer whose offers were not all carried out must come again, so it is not remembered as had.
    const syncEtag = isAllDone ? (answer.headers.get("etag") ?? "") : "";
    const { revision: revisionSeen, appsEtag, nextCheckSeconds } = found;
    const value: Facts = { revisionSeen, appsEtag, syncEtag, nextCheckSeconds };
    await store.write([
      { key: MEMBERS, value: found.members },
      { key: FACTS, value },
    ]);
    return nextCheckSeconds;
  }

  private async refreshTrust(): Promise<void> {
    const { device, nowMs } = this.options;
    const problems = await device.sync(nowMs());
    for (const [app, problem] of problems) await this.refuse(app, 0, problem);
  }

  /** Carry out one hint as far as the signed tree allows; return whether nothing is left to do of it. */
  private async carryOut(offer: Offer): Promise<boolean> {
    if (!KNOWN_KINDS.includes(offer.kind)) return true; // for clients that know what it is
    return this.trying(offer, async () => {
      this.check(offer);
      return offer.action === "remove" ? this.letGo(offer) : this.take(offer);
    });
  }

  /** Take the hotfixes of the version that is installed; those of other versions are not for this device. */
  private async carryOutHotfix(offer: HotfixOffer): Promise<boolean> {
    const { id, sequence, digest, patches } = offer;
    const { packages } = this.options.device;
    const { current, failed } = await packages.state(id);
    const waits = await packages.staged(id);
    const isOther = waits !== null && waits.sequence !== current?.sequence;
    if (isOther && waits.sequence === sequence) return false; // in the round after the switch
    const isDone = current?.digest === digest || failed.includes(digest);
    if (current?.sequence !== sequence || isOther || isDone) return true;
    return this.trying(offer, async () => {
      await this.deliveries.offered(offer);
      this.happenings.push({ what: "offered", app: id, sequence });
      return this.installed({ action: "install", id, sequence, digest, patches });
    });
  }

  private async trying(offer: Offer | HotfixOffer, act: () => Promise<boolean>): Promise<boolean> {
    const { id, sequence, digest } = offer;
    try {
      return await act();
    } catch (problem) {
      if (problem instanceof StoreAway) {
        this.happenings.push({ what: "away", app: id, sequence, code: problem.code, message: problem.message });
        return false;
      }
      if (!isRefused(problem)) throw problem;
      if (problem.code === "trust_unreachable") {
        this.happenings.push({ what: "away", app: id, sequence, code: problem.code, message: problem.message });
        return false;
      }
      await this.refuse(id, sequence, problem);
      await this.deliveries.stage(id, "failed", digest, { code: problem.code });
      if (problem.code === "store_damaged") await this.damaged(id);
      return false;
    }
  }

  /** Refuse what is not for this device; the address is compared, never used. */
  private check({ action, kind, id, sequence, url }: Offer): void {
    const isKnown = isAppId(id) && KNOWN_KINDS.includes(kind);
    const folder = `${this.options.treePath}/targets/${packagePath(id, sequence).replace(/[^/]+$/, "")}`;
    const path = url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/]+/, "");
    const isInside = path.startsWith(folder) && /^[^/]+\.package\.ma$/.test(path.slice(folder.length));
    const isTaken = (action === "install" || action === "rollback") && isInside;
    if (!isKnown || (!isTaken && action !== "remove")) {
      throw new Refused("offer_not_ours", `The offer of ${id} is of a kind, action or address that is not ours.`);
    }
  }

  private async take(offer: Offer): Promise<boolean> {
    const { id, sequence, digest, kind } = offer;
    const { store } = this.options;
    await this.deliveries.offered(offer);
    this.happenings.push({ what: "offered", app: id, sequence });
    if (offer.isWifiOnly && !this.wanted.has(id) && this.options.isOnFreeNetwork?.() === false) {
      this.happenings.push({ what: "deferred", app: id, sequence });
      return false; // the answer comes again until this is done
    }
    // The tree knows no roll-back as such: the rule asks the signed control file for this very pair.
    const isInstalled = await this.installed({ action: "install", id, sequence, digest });
    await store.write([{ key: KINDS, value: { ...(await this.kinds()), [id]: kind } }]);
    await this.changeDamaged((apps) => apps.filter((each) => each !== id));
    if (isInstalled) this.wanted.delete(id);
    return isInstalled;
  }

  /** Have a version, or hotfixes, installed, and report how far it comes; false when it waits for the app to close. */
  private async installed(hint: Hint & { action: "install" }): Promise<boolean> {
    const { id, sequence, digest } = hint;
    const { device, nowMs } = this.options;
    const began = nowMs();
    const progress: Progress = {
      downloaded: (bytes, { way, failed }) => {
        const fellBack = failed.length > 0 ? { fell_back: failed.join(" ") } : {};
        const milliseconds = Math.max(0, nowMs() - began);
        return this.deliveries.stage(id, "downloaded", digest, { bytes, milliseconds, way, ...fellBack });
      },
      verified: () => this.deliveries.stage(id, "verified", digest),
    };
    const install = this.options.install ?? ((hint, how) => device.apply(hint, how));
    await install(this.wanted.has(id) ? { ...hint, isWanted: true } : hint, progress);
    const isInstalled = (await device.packages.state(id)).current?.digest === digest;
    if (isInstalled) await this.deliveries.stage(id, "installed", digest);
    this.happenings.push({ what: isInstalled ? "installed" : "waiting", app: id, sequence });
    return isInstalled;
  }

  private async letGo({ id, sequence }: Offer): Promise<boolean> {
    const left = await this.options.device.apply({ action: "remove", id });
    this.happenings.push({ what: left ? "kept" : "removed", app: id, sequence });
    return true;
  }

  private async request(facts: Facts): Promise<Json> {
    const { packages } = this.options.device;
    const [damaged, kinds] = [await this.damagedApps(), await this.kinds()];
    const installed: Json[] = [];
    for (const id of await packages.apps()) {
      const { current, base } = await packages.state(id);
      if (current === null || damaged.includes(id)) continue;
      const { version, sequence, digest } = isPatched(current) && base !== null ? base : current; // what servers know
      installed.push({ kind: kinds[id] ?? "miniapp", id, version, sequence, digest });
      if (isPatched(current)) installed.push(hotfixHeld(id, current));
    }
    return {
      client_app: this.options.clientApp,
      revision_seen: facts.revisionSeen,
      apps_etag: facts.appsEtag,
      device: { ...this.options.profile() } as Json,
      installed,
    };
  }

  private async refuse(app: string, sequence: number, problem: Refused): Promise<void> {
    const { code, message } = problem;
    this.happenings.push({ what: code === "trust_unreachable" ? "away" : "refused", app, sequence, code, message });
    if (code === "trust_unreachable") return;
    const names = sequence > 0 ? { app: app.slice(0, 200), sequence } : { app: app.slice(0, 200) };
    await this.options.events.note("trust.refused", names, { code, detail: message.slice(0, MAX_TEXT) });
  }

  private async facts(): Promise<Facts> {
    return ((await this.options.store.get(FACTS)) as Facts | undefined) ?? NOTHING;
  }

  /** Alone: an app is found damaged whenever somebody opens it, also in the middle of a round. */
  private changeDamaged(change: (apps: readonly string[]) => readonly string[]): Promise<void> {
    const { exclusive, store } = this.options;
    return exclusive("damaged", async () => store.write([{ key: DAMAGED, value: change(await this.damagedApps()) }]));
  }

  private async damagedApps(): Promise<readonly string[]> {
    return ((await this.options.store.get(DAMAGED)) as readonly string[] | undefined) ?? [];
  }

  private async kinds(): Promise<Readonly<Record<string, string>>> {
    return ((await this.options.store.get(KINDS)) as Readonly<Record<string, string>> | undefined) ?? {};
  }
}
