/**
 * The values of switches that mini-apps may read (docs/protocols/switches.md). They are fetched when sync says that they
 * may have changed, and kept: without a network the last ones known are told, with their age.
 */

import { BridgeError } from "../bridge/errors";
import type { SwitchValue } from "../bridge/protocol";
import type { Session } from "../session/session";
import type { Store } from "../store/store";
import type { Profile } from "../sync/sync-client";
import { isList, isObject, type Json, type JsonObject } from "../trust/canonical";

const ALL = "/ofrep/v1/evaluate/flags";
const KEPT = "switches/kept";
const EVERY_APP = "*";

interface Kept {
  /** Who they were fetched for: an answer may come after somebody else signed in, in whichever tab. */
  readonly whose: string;
  /** What sync said when these were fetched. */
  readonly said: string;
  readonly etag: string;
  /** When they were last known to be the present ones. */
  readonly atMs: number;
  readonly flags: Readonly<Record<string, { readonly value: Json; readonly variant: string; readonly apps: string }>>;
}

export interface SwitchesOptions {
  readonly session: Pick<Session, "call" | "status">;
  readonly store: Store;
  readonly profile: () => Profile;
  readonly nowMs: () => number;
}

export class Switches {
  private fetching: Promise<void> | null = null;

  constructor(private readonly options: SwitchesOptions) {}

  /** Take over what sync said of switches; fetch them when it is something new. Throws when the server is away. */
  async follow(said: unknown): Promise<void> {
    if (typeof said !== "string") return;
    const kept = await this.kept();
    if (kept !== null && kept.said === said) {
      await this.keep({ ...kept, atMs: this.options.nowMs() });
    } else {
      await this.fetch(said, kept);
    }
  }

  /** What `app` may read under `key`; `not_available` when there is nothing, or nothing for this app. */
  async read(app: string, key: string): Promise<SwitchValue> {
    if ((await this.kept()) === null) {
      this.fetching ??= this.fetch("", null).finally(() => {
        this.fetching = null;
      });
      await this.fetching.catch(() => undefined); // what is not known is told below
    }
    const kept = await this.kept();
    if (kept === null) throw new BridgeError("offline", "The bank's server was not reached yet.");
    const found = Object.hasOwn(kept.flags, key) ? kept.flags[key] : undefined;
    if (found === undefined || ![app, EVERY_APP].some((each) => found.apps.split(" ").includes(each))) {
      throw new BridgeError("not_available", `There is no switch ${key} that ${app} may read.`);
    }
    const age = Math.max(0, this.options.nowMs() - kept.atMs);
    return { value: found.value, variant: found.variant, age_seconds: Math.floor(age / 1000) };
  }

  /** Another customer may come: what this one got is nobody else's. */
  async forget(): Promise<void> {
    await this.options.store.write([{ key: KEPT }]);
  }

  private async fetch(said: string, kept: Kept | null): Promise<void> {
    const { session, nowMs } = this.options;
    const whose = await this.whose();
    const headers: Record<string, string> = kept ? { "if-none-match": kept.etag } : {};
    const answer = await session.call("POST", ALL, { context: await this.context() }, headers);
    const atMs = nowMs();
    if (answer.status === 304 && kept !== null) return this.keep({ ...kept, said, atMs });
    const flags = isObject(answer.body) && isList(answer.body.flags) ? answer.body.flags.filter(isObject) : [];
    await this.keep({
      whose,
      said,
      etag: answer.headers.get("etag") ?? "",
      atMs,
      // What no app may read is not kept.
      flags: Object.fromEntries(flags.filter((each) => appsOf(each) !== "").map(readFlag)),
    });
  }

  private async context(): Promise<JsonObject> {
    const {
      platform = "",
      os_version = "",
      app_version = "",
      model = "",
      region = "",
      network = "",
      lang = "",
    } = this.options.profile();
    const targetingKey = (await this.options.session.status())?.device ?? "";
    return { targetingKey, platform, os_version, app_version, model, region, network, language: lang };
  }

  private async kept(): Promise<Kept | null> {
    const kept = (await this.options.store.get(KEPT)) as Kept | undefined;
    return kept !== undefined && kept.whose === (await this.whose()) ? kept : null;
  }

  private async whose(): Promise<string> {
    const status = await this.options.session.status();
    return `${status?.device ?? ""}/${status?.customer ?? ""}`;
  }

  private async keep(value: Kept): Promise<void> {
    await this.options.store.write([{ key: KEPT, value }]);
  }
}

function appsOf(flag: JsonObject): string {
  return isObject(flag.metadata) && typeof flag.metadata.apps === "string" ? flag.metadata.apps : "";
}

function readFlag(flag: JsonObject): [string, Kept["flags"][string]] {
  return [String(flag.key), { value: flag.value ?? null, variant: String(flag.variant), apps: appsOf(flag) }];
}
