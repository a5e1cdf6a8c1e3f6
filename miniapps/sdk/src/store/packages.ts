/**
 * The packages on this device: placed whole and verified, switched by one write, kept until the new one has booted.
 *
 *     app/<app id>              the pointer and the memory (`AppState`)
 *     staged/<app id>           the version that waits to be switched to (`Installed`)
 *     package/<app id>/<hex>/   `index` (the bytes of index.json), `archive` (package.ma, a Blob or bytes) and `chain`
 *                               (what proves it without a network, `StoredChain`); <hex> is the package digest
 *     part/<hex>/<offset>       what is being downloaded; survives a crash and is resumed
 *     catalogue                 which apps the last sync listed
 */

import { digestOf, sha256Hex } from "../trust/digest";
import { parseIndex } from "../trust/package-index";
import { PackageReader, sourceOfBlob, sourceOfBytes } from "../trust/package-reader";
import type { ByteSource } from "../trust/ports";
import { demand, isRefused, Refused } from "../trust/refused";
import type { PackageIndex, StoredChain } from "../trust/types";
import {
  type AppState,
  bootBegun,
  confirmed,
  type Installed,
  isPatched,
  NOTHING,
  patchable,
  removed,
  reverted,
  switched,
  waysBack,
  withdrawn,
} from "./installed";
import { type Exclusive, memoryLocks } from "./locks";
import type { Change, Store } from "./store";

export interface PlacedPackage {
  readonly index: Uint8Array;
  readonly archive: Blob | Uint8Array;
  readonly chain: StoredChain;
}

/** An installed package, open for reading; each file is verified as it is read. */
export interface OpenedPackage {
  readonly installed: Installed;
  readonly index: PackageIndex;
  readonly reader: PackageReader;
  readonly placed: PlacedPackage;
}

export class PackageStore {
  /** `exclusive` keeps two tabs from changing one app's pointer at the same moment. */
  constructor(
    private readonly store: Store,
    private readonly exclusive: Exclusive = memoryLocks(),
  ) {}

  /** Return the ids of all apps that are or were installed. */
  async apps(): Promise<string[]> {
    return (await this.store.keys("app/")).map((key) => key.slice("app/".length));
  }

  async state(app: string): Promise<AppState> {
    return { ...NOTHING, ...((await this.store.get(`app/${app}`)) as AppState | undefined) };
  }

  /** Put a package beside the current one, to be switched to; the caller has verified it whole. */
  place(app: string, next: Installed, placed: PlacedPackage): Promise<void> {
    return this.alone(app, async () => {
      const at = place(app, next.digest);
      const parts = await this.store.keys(`part/${hex(next.digest)}/`);
      await this.store.write([
        { key: `staged/${app}`, value: next },
        { key: `${at}index`, value: placed.index },
        { key: `${at}archive`, value: placed.archive },
        { key: `${at}chain`, value: placed.chain },
        ...parts.map((key) => ({ key })),
      ]);
    });
  }

  /** Return the version that waits to be switched to, or null. */
  async staged(app: string): Promise<Installed | null> {
    return ((await this.store.get(`staged/${app}`)) as Installed | undefined) ?? null;
  }

  /** Have a version that was placed before wait to be switched to. */
  stage(app: string, next: Installed): Promise<void> {
    return this.alone(app, () => this.store.write([{ key: `staged/${app}`, value: next }]));
  }

  /** Let go of the version that waits. */
  async unstage(app: string): Promise<void> {
    await this.alone(app, () => this.store.write([{ key: `staged/${app}` }]));
    await this.change(app, (state) => state);
  }

  /** Return a placed package, whether or not a pointer names it, or null. Its bytes are as the disk gave them. */
  async placed(app: string, digest: string): Promise<PlacedPackage | null> {
    const at = place(app, digest);
    const [index, archive, chain] = await Promise.all([
      this.store.get(`${at}index`),
      this.store.get(`${at}archive`),
      this.store.get(`${at}chain`),
    ]);
    const isThere = index instanceof Uint8Array && (archive instanceof Uint8Array || archive instanceof Blob);
    return isThere && chain !== undefined ? { index, archive, chain: chain as StoredChain } : null;
  }

  /** Whether a placed package is whole and the one of this digest. */
  async isWhole(app: string, digest: string): Promise<boolean> {
    const found = await this.placed(app, digest);
    if (found === null || (await digestOf(found.index)) !== digest) return false;
    const { archive } = parseIndex(found.index);
    const source = sourceOf(found.archive);
    return source.size === archive.size && (await sha256Hex(await source.read(0, source.size))) === archive.sha256;
  }

  /**
   * Make a placed version the current one; the present one is kept until the new one has booted. Throws
   * `hotfix_base_differs` when it has hotfixes on a version that is not here any more.
   */
  async switch(app: string, next: Installed): Promise<void> {
    await this.change(app, (state) => {
      const isHere = !isPatched(next) || patchable(state, next.sequence) !== null;
      demand(isHere, "hotfix_base_differs", `${app} is not at version ${next.sequence} any more.`);
      return switched(state, next);
    });
  }

  /** The hotfixes of this package are withdrawn: when it is the current one, its base runs again. Returns the state. */
  withdraw(app: string, digest: string): Promise<AppState> {
    return this.change(app, (state) => (state.current?.digest === digest ? withdrawn(state) : state));
  }

  /** Count a start of a version that has not booted yet, before it runs; return what is remembered then. */
  async beginBoot(app: string): Promise<AppState> {
    const state = await this.state(app);
    return state.current?.isConfirmed ? state : this.change(app, bootBegun);
  }

  /** The current version has booted, when it is the one of this digest: the kept one goes. */
  async confirm(app: string, digest?: string): Promise<void> {
    if ((await this.state(app)).current?.isConfirmed) return;
    const isMeant = ({ current }: AppState) => digest === undefined || current?.digest === digest;
    await this.change(app, (state) => (isMeant(state) ? confirmed(state) : state));
  }

  /**
   * Go back to the kept version, or to another of the `waysBack`; the caller has asked the rule. Throws
   * `store_nothing_to_revert`.
   */
  async revert(app: string, to?: Installed): Promise<Installed> {
    const { current } = await this.change(app, (state) => {
      const back = waysBack(state).find((each) => to === undefined || each.digest === to.digest);
      const told = `${app} keeps no earlier version; it waits for the next sync.`;
      if (back === undefined) throw new Refused("store_nothing_to_revert", told);
      return reverted(state, back);
    });
    return current as Installed;
  }

  /** Delete the packages of an app; what was installed once stays remembered. */
  async remove(app: string): Promise<void> {
    await this.alone(app, () => this.store.write([{ key: `staged/${app}` }]));
    await this.change(app, removed);
  }

  /** Return the current version for reading; throw `store_damaged` when it is not what was installed. */
  async open(app: string): Promise<OpenedPackage> {
    const installed = (await this.state(app)).current;
    if (installed === null) throw new Refused("store_damaged", `${app} is not installed.`);
    const placed = await this.placed(app, installed.digest);
    const told = `What is stored of ${app} is not what was installed; install it again.`;
    demand(placed !== null && (await digestOf(placed.index)) === installed.digest, "store_damaged", told);
    try {
      const index = parseIndex(placed.index);
      return { installed, index, reader: new PackageReader(index, sourceOf(placed.archive)), placed };
    } catch (problem) {
      if (!isRefused(problem)) throw problem;
      throw new Refused("store_damaged", told);
    }
  }

  /** Clean up after a crash: packages that no pointer names. Half downloads stay, to be resumed. */
  async recover(): Promise<void> {
    for (const app of await this.apps()) await this.change(app, (state) => state);
  }

  /** Keep which apps the last sync listed for this subject. */
  async rememberCatalogue(apps: readonly string[]): Promise<void> {
    await this.store.write([{ key: "catalogue", value: [...apps].sort() }]);
  }

  /** Whether the last sync listed the app; true before the first sync. */
  async isListed(app: string): Promise<boolean> {
    const found = (await this.store.get("catalogue")) as readonly string[] | undefined;
    return found?.includes(app) ?? true;
  }

  /** Remember the next state, and let go of what it no longer names, in one write. Returns that state. */
  private change(app: string, next: (state: AppState) => AppState): Promise<AppState> {
    return this.alone(app, async () => {
      const value = next(await this.state(app));
      const staged = await this.staged(app);
      const isTaken = staged !== null && value.current?.digest === staged.digest;
      const taken = isTaken ? [{ key: `staged/${app}` }] : [];
      await this.store.write([{ key: `app/${app}`, value }, ...taken, ...(await this.orphans(app, value))]);
      return value;
    });
  }

  private alone<T>(app: string, act: () => Promise<T>): Promise<T> {
    return this.exclusive(`packages:${app}`, act);
  }

  /** The deletions of the app's packages that nothing names once this state holds. */
  private async orphans(app: string, state: AppState): Promise<Change[]> {
    const versions = [state.current, state.kept, state.base, await this.staged(app)];
    const named = new Set(versions.flatMap((each) => (each ? [place(app, each.digest)] : [])));
    const keys = await this.store.keys(`package/${app}/`);
    return keys.filter((key) => !named.has(key.slice(0, key.lastIndexOf("/") + 1))).map((key) => ({ key }));
  }
}

/** An archive as it is stored, to be read in pieces. */
export const sourceOf = (archive: Blob | Uint8Array): ByteSource =>
  archive instanceof Blob ? sourceOfBlob(archive) : sourceOfBytes(archive);

const hex = (digest: string): string => digest.slice(digest.indexOf(":") + 1);
const place = (app: string, digest: string): string => `package/${app}/${hex(digest)}/`;
