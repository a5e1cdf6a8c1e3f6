/**
 * The shared packages that apps mount. An app's signed index names each by digest or by a range of sequences, and two
 * apps may need two versions of one package: what no pointer of the device names lies on a shelf of its own.
 *
 *     shared/<id>/<hex>/index|archive|chain      as in the device's own store; <hex> is the package digest
 */

import type { TreeSource } from "../download/http";
import { downloadPackage } from "../download/package";
import type { SharedWanted } from "../origin/messages";
import type { PlacedPackage } from "../store/packages";
import type { Store } from "../store/store";
import type { Device } from "../sync/device";
import { killedEntry } from "../trust/control";
import { checkInstall } from "../trust/install-rule";
import { parseIndex } from "../trust/package-index";
import { isRefused, Refused } from "../trust/refused";
import type { Dependency, Offered, PackageIndex } from "../trust/types";

export interface Chosen extends SharedWanted {
  readonly placed: PlacedPackage;
}

export class Dependencies {
  constructor(
    private readonly device: Device,
    private readonly source: TreeSource,
    private readonly store: Store,
  ) {}

  /** Return a package for each dependency, without a network. Throws `package_file_missing`, or an `open_` refusal. */
  async choose(index: PackageIndex): Promise<Chosen[]> {
    return Promise.all(
      index.dependencies.map(async (dependency) => {
        const { id } = dependency;
        const found = await this.find(dependency);
        if (found !== null) return found;
        const told = `${index.app} needs the shared package ${id}; it comes with the next sync.`;
        throw new Refused("package_file_missing", told, { id });
      }),
    );
  }

  /** Fetch what the index names and this browser lacks. Throws a refusal of the verifier or of the install rule. */
  async bring(index: PackageIndex): Promise<void> {
    for (const dependency of index.dependencies) {
      const found = await this.find(dependency).catch(() => null);
      if (found === null) await this.fetch(dependency);
    }
  }

  /** Before a shared package is exchanged: put its present version on the shelf when an installed app needs it. */
  async keep(id: string): Promise<void> {
    const { current } = await this.device.packages.state(id);
    if (current === null || !(await this.isNeeded(id, current))) return;
    const placed = await this.device.packages.placed(id, current.digest);
    if (placed !== null) await this.put(id, current.digest, placed);
  }

  /** Let go of what no installed app needs any more. */
  async sweep(): Promise<void> {
    const needs = await this.needs();
    for (const key of await this.store.keys(PREFIX)) {
      const [id = "", hex = ""] = key.slice(PREFIX.length).split("/");
      const placed = await this.placed(id, `sha256:${hex}`);
      const version = placed && versionOf(placed, hex);
      const isNeeded = version !== null && needs.some((each) => each.id === id && fits(each, version));
      if (!isNeeded) await this.store.write([{ key }]);
    }
  }

  /** The ids of all shared packages that installed apps need. */
  async ids(): Promise<ReadonlySet<string>> {
    return new Set((await this.needs()).map((each) => each.id));
  }

  private async find(dependency: Dependency): Promise<Chosen | null> {
    const { id } = dependency;
    const { current, kept } = await this.device.packages.state(id);
    for (const each of [current, kept]) {
      if (each === null || !fits(dependency, each)) continue;
      const placed = await this.device.packages.placed(id, each.digest);
      if (placed !== null) return this.permitted({ id, sequence: each.sequence, digest: each.digest, placed });
    }
    return this.onShelf(dependency);
  }

  private async onShelf(dependency: Dependency): Promise<Chosen | null> {
    const { id } = dependency;
    const keys = (await this.store.keys(`${PREFIX}${id}/`)).filter((key) => key.endsWith("/index"));
    const found: Chosen[] = [];
    for (const key of keys) {
      const hex = key.split("/")[2] ?? "";
      const placed = await this.placed(id, `sha256:${hex}`);
      const version = placed && versionOf(placed, hex);
      if (placed !== null && version !== null && fits(dependency, version)) found.push({ id, ...version, placed });
    }
    const newest = found.sort((a, b) => b.sequence - a.sequence)[0];
    return newest === undefined ? null : this.permitted(newest);
  }

  /** Killed or below the floor does not open, for a shared package as for an app. */
  private async permitted(chosen: Chosen): Promise<Chosen> {
    const { id, sequence, digest } = chosen;
    const control = await this.device.tree.obeyedControl(id);
    if (control !== null && killedEntry(control, sequence, digest) !== null) {
      throw new Refused("open_killed", `This version of the shared package ${id} was withdrawn.`, { id });
    }
    const role = await this.device.tree.obeyedRole(id);
    if (role !== null && sequence < role.floor) {
      throw new Refused("open_below_floor", `This version of the shared package ${id} is below its floor.`, { id });
    }
    return chosen;
  }

  private async fetch(dependency: Dependency): Promise<void> {
    const { id } = dependency;
    const { tree } = this.device;
    const role = await tree.app(id);
    const control = await tree.control(id);
    const listed = [...role.versions.values()].sort((a, b) => b.sequence - a.sequence);
    for (const version of listed) {
      const offered: Offered = { sequence: version.sequence, digest: version.indexDigest };
      if (!fits(dependency, offered) || !mayBring(() => checkInstall(offered, role, control, NEVER), dependency))
        continue;
      const { index, archive } = await downloadPackage(version, this.source, this.store);
      const chain = await tree.chain(id);
      if (chain === null) break;
      await this.put(id, offered.digest, { index, archive, chain });
      return;
    }
    throw new Refused("install_not_offerable", `There is no version of ${id} that fits.`, { id });
  }

  private async isNeeded(id: string, version: Offered): Promise<boolean> {
    return (await this.needs()).some((each) => each.id === id && fits(each, version));
  }

  /** What every version of every app names, that runs, is kept, or waits. */
  private async needs(): Promise<Dependency[]> {
    const { packages } = this.device;
    const found: Dependency[] = [];
    for (const app of await packages.apps()) {
      const { current, kept } = await packages.state(app);
      for (const each of [current, kept, await packages.staged(app)]) {
        const placed = each && (await packages.placed(app, each.digest));
        if (placed) found.push(...parseIndex(placed.index).dependencies);
      }
    }
    return found;
  }

  private async put(id: string, digest: string, placed: PlacedPackage): Promise<void> {
    const at = place(id, digest);
    const parts = await this.store.keys(`part/${digest.slice(digest.indexOf(":") + 1)}/`);
    await this.store.write([
      { key: `${at}index`, value: placed.index },
      { key: `${at}archive`, value: placed.archive },
      { key: `${at}chain`, value: placed.chain },
      ...parts.map((key) => ({ key })),
    ]);
  }

  private async placed(id: string, digest: string): Promise<PlacedPackage | null> {
    const at = place(id, digest);
    const [index, archive, chain] = await Promise.all(
      ["index", "archive", "chain"].map((each) => this.store.get(at + each)),
    );
    const isThere = index instanceof Uint8Array && archive !== undefined && chain !== undefined;
    return isThere ? ({ index, archive, chain } as PlacedPackage) : null;
  }
}

const PREFIX = "shared/";
/** A shared package never starts by itself, so there is no "highest ever started" and nothing that failed. */
const NEVER = { highest: 0 };

/** Whether this version is one that the dependency allows. */
export function fits(dependency: Dependency, version: Offered): boolean {
  if ("digest" in dependency) return dependency.digest === version.digest;
  return dependency.min_sequence <= version.sequence && version.sequence <= dependency.max_sequence;
}

/** Publisher and reviewer of the app signed a digest, so a pinned version need not be on offer any more. */
function mayBring(check: () => void, dependency: Dependency): boolean {
  try {
    check();
    return true;
  } catch (thrown) {
    return isRefused(thrown, "install_not_offerable") && "digest" in dependency;
  }
}

function versionOf(placed: PlacedPackage, hex: string): Offered | null {
  try {
    return { sequence: parseIndex(placed.index).sequence, digest: `sha256:${hex}` };
  } catch {
    return null;
  }
}

function place(id: string, digest: string): string {
  return `${PREFIX}${id}/${digest.slice(digest.indexOf(":") + 1)}/`;
}
