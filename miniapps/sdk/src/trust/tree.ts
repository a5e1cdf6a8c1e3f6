/**
 * What this device believes of one trust tree: the TUF workflow, and our own layer on it.
 *
 * Every app role and the control role must say which role of which tree they are, delegations must be the ones the
 * rules demand, a control serial never goes down, and the last verified copies are kept, to be obeyed expired or not.
 * A refusal changes nothing: what was verified before stays.
 */

import { sameBytes } from "./canonical";
import { checkNotOlder, MAX_CONTROL_BYTES, parseControl } from "./control";
import { checkDelegation } from "./delegation";
import { digestOf } from "./digest";
import { readMetadata, type TargetFile, type Targets } from "./metadata";
import type { FetchBytes, MetadataStore } from "./ports";
import { demand, Refused } from "./refused";
import {
  APP_SIGNATURES,
  appPaths,
  appRole,
  CONTROL_ROLE,
  checkFields,
  controlPath,
  indexPath,
  readAppRole,
  readSpelled,
} from "./roles";
import { checkSigned } from "./signatures";
import { rootName, TufClient } from "./tuf-client";
import type { AppRole, Control, StoredChain } from "./types";

/** Re-writing "verified just now" at each sync would be a write for nothing. */
const SEEN_RESOLUTION_MS = 600_000;

export interface TreeOptions {
  /** `<workspace>/<profile>`. */
  readonly tree: string;
  /** The root that the client was built with. */
  readonly root: Uint8Array;
  readonly fetchBytes: FetchBytes;
  readonly store: MetadataStore;
}

/** A tree after one refresh. */
interface Fresh {
  readonly client: TufClient;
  readonly targets: Targets;
  readonly listed: ReadonlyMap<string, number>;
  readonly nowMs: number;
}

export class TufTree {
  private fresh: Fresh | null = null;
  private controlBody: Targets | null = null;

  /** Throws `trust_role_mismatch` or `trust_malformed` when `root` is not a root of this tree. */
  constructor(private readonly options: TreeOptions) {
    checkFields(readSpelled(options.root, "root"), "root", options.tree);
  }

  /** Bring root, timestamp, snapshot and targets up to date; throws a refusal, `trust_unreachable` among them. */
  async refresh(nowMs: number): Promise<void> {
    this.fresh = this.controlBody = null;
    const { root, fetchBytes, store, tree } = this.options;
    const client = new TufClient(root, fetchBytes, prefixed(store, "metadata/"), nowMs);
    await client.refresh();
    const targets = readSpelled(await this.stored("targets"), "targets");
    checkFields(targets, "targets", tree);
    const snapshot = readSpelled(await this.stored("snapshot"), "snapshot");
    const listed = new Map(Array.from(snapshot.meta, ([name, file]) => [name.replace(/\.json$/, ""), file.version]));
    this.fresh = { client, targets, listed, nowMs };
  }

  /** Return the app's signed versions, verified in this refresh, and keep them as the copy to obey. */
  async app(app: string): Promise<AppRole> {
    const role = appRole(app);
    const { targets, listed } = this.refreshed();
    const isDelegated = targets.delegations?.roles.has(role) ?? false;
    demand(isDelegated, "trust_not_listed", `${app} has no role in tree ${this.options.tree}.`);
    demand(listed.has(role), "trust_not_listed", `${app} has no published version yet.`);
    const body = await this.verified(role, indexPath(app, 1), appPaths(app), APP_SIGNATURES);
    const found = readAppRole(body, app, this.options.tree);
    const seen = await this.obeyedRole(app);
    const isNewer = seen === null || found.metadataVersion >= seen.metadataVersion;
    demand(isNewer, "trust_rolled_back", `The role of ${app} is older than the one seen before.`);
    await this.obey(`${app}.role`, await this.stored(role));
    return found;
  }

  /** Return the app's control file, verified in this refresh, and keep it as the copy to obey. */
  async control(app: string): Promise<Control> {
    const path = controlPath(app);
    const { nowMs } = this.refreshed();
    if (this.controlBody === null) {
      const body = await this.verified(CONTROL_ROLE, path, ["control/*"], 1);
      checkFields(body, CONTROL_ROLE, this.options.tree);
      this.controlBody = body;
    }
    const target = this.controlBody.targets.get(path);
    demand(target !== undefined, "trust_not_listed", `The tree holds no control file for ${app}.`);
    const data = await this.controlBytes(app, target);
    const control = parseControl(data, app);
    const known = await this.options.store.get(obeyed(`${app}.control`));
    checkNotOlder(control, known !== null && sameBytes(known, data), known && parseControl(known, app));
    await this.obey(`${app}.control`, data);
    if (Math.abs(nowMs - (await this.lastVerifiedMs(app))) >= SEEN_RESOLUTION_MS) {
      await this.obey(`${app}.seen`, new TextEncoder().encode(String(nowMs)));
    }
    return control;
  }

  /** Return the last verified app role, expired or not. */
  async obeyedRole(app: string): Promise<AppRole | null> {
    const data = await this.options.store.get(obeyed(`${app}.role`));
    return data && readAppRole(readSpelled(data, "targets"), app, this.options.tree);
  }

  /** Return the last verified control file, expired or not. */
  async obeyedControl(app: string): Promise<Control | null> {
    const data = await this.options.store.get(obeyed(`${app}.control`));
    return data && parseControl(data, app);
  }

  /**
   * Return when this app's control file was last verified in a fresh tree; 0 before the first time. Not when the tree
   * was: a mirror that serves the tree but withholds one control file must not look fresh.
   */
  async lastVerifiedMs(app: string): Promise<number> {
    const data = await this.options.store.get(obeyed(`${app}.seen`));
    const found = data ? Number(new TextDecoder().decode(data)) : 0;
    return Number.isSafeInteger(found) ? found : 0;
  }

  /**
   * Return what proves an installed version of the app without a network, or null before the first `app(app)`.
   * Take it after `app(app)`: role and targets are then of one refresh.
   */
  async chain(app: string): Promise<StoredChain | null> {
    const { store, root } = this.options;
    const [targets, role] = [await store.get("metadata/targets"), await store.get(obeyed(`${app}.role`))];
    if (targets === null || role === null) return null;
    const roots: Uint8Array[] = [];
    const first = readMetadata(root, "root").body.version;
    for (let version = first + 1; ; version++) {
      const data = await store.get(`metadata/${rootName(version)}`);
      if (data === null) return { roots, targets, role };
      roots.push(data);
    }
  }

  /**
   * Return a delegated role's body. TUF looks for a *path* and may stop at an earlier role, which would leave an old
   * file of this role in place: so the file is checked again by name.
   */
  private async verified(role: string, path: string, paths: readonly string[], threshold: number): Promise<Targets> {
    const { client, targets, listed, nowMs } = this.refreshed();
    await checkDelegation(targets, role, paths, threshold);
    await client.find(path);
    const data = await this.stored(role);
    const body = readSpelled(data, "targets");
    if (targets.delegations) await checkSigned(targets.delegations, role, readMetadata(data, "targets"));
    const isListed = body.version === listed.get(role);
    demand(isListed, "trust_rolled_back", `The file of ${role} is not the one of the snapshot.`);
    demand(body.expiresMs > nowMs, "trust_expired", `The signatures of ${role} have expired; they must be renewed.`);
    return body;
  }

  private async controlBytes(app: string, target: TargetFile): Promise<Uint8Array> {
    const known = await this.options.store.get(obeyed(`${app}.control`));
    if (known !== null && (await digestOf(known)) === `sha256:${target.hashes.get("sha256")}`) return known;
    const isSmall = target.length <= MAX_CONTROL_BYTES;
    demand(isSmall, "trust_too_long", `The control file of ${app} is announced with ${target.length} bytes.`);
    return this.refreshed().client.download(target);
  }

  private refreshed(): Fresh {
    if (this.fresh === null) throw new Refused("trust_unreachable", "The tree has not been refreshed.");
    return this.fresh;
  }

  private async stored(role: string): Promise<Uint8Array> {
    const data = await this.options.store.get(`metadata/${role}`);
    if (data === null) throw new Refused("trust_not_signed", `No verified file of ${role} is at hand.`);
    return data;
  }

  private async obey(name: string, data: Uint8Array): Promise<void> {
    const known = await this.options.store.get(obeyed(name));
    if (known === null || !sameBytes(known, data)) await this.options.store.put(obeyed(name), data);
  }
}

const obeyed = (name: string): string => `obeyed/${name}`;

const prefixed = (store: MetadataStore, prefix: string): MetadataStore => ({
  get: (name) => store.get(prefix + name),
  put: (name, data) => store.put(prefix + name, data),
});
