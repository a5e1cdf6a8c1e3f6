/** Which shared packages go with an app: those its signed index names, as far as this device holds them. */

import type { SharedWanted } from "../origin/messages";
import type { PlacedPackage } from "../store/packages";
import type { Device } from "../sync/device";
import { Refused } from "../trust/refused";
import type { Dependency, PackageIndex } from "../trust/types";

export interface Chosen extends SharedWanted {
  readonly placed: PlacedPackage;
}

/** Return a placed package for each dependency. Throws `package_file_missing` when one is not on this device. */
export async function chooseShared(device: Device, index: PackageIndex): Promise<Chosen[]> {
  return Promise.all(index.dependencies.map((each) => choose(device, each, index.app)));
}

async function choose(device: Device, dependency: Dependency, app: string): Promise<Chosen> {
  const { id } = dependency;
  const { current, kept } = await device.packages.state(id);
  for (const each of [current, kept]) {
    if (each === null || !fits(dependency, each)) continue;
    const placed = await device.packages.placed(id, each.digest);
    if (placed !== null) return { id, sequence: each.sequence, digest: each.digest, placed };
  }
  throw new Refused("package_file_missing", `${app} needs the shared package ${id}; it comes with the next sync.`, {
    id,
  });
}

/** Whether this version is one that the dependency allows. */
export function fits(dependency: Dependency, version: { sequence: number; digest: string }): boolean {
  if ("digest" in dependency) return dependency.digest === version.digest;
  return dependency.min_sequence <= version.sequence && version.sequence <= dependency.max_sequence;
}

/** Fetch what an app's index names and the device lacks, by the ordinary install rule. Returns the ids installed. */
export async function installShared(device: Device, index: PackageIndex): Promise<string[]> {
  const installed: string[] = [];
  for (const dependency of index.dependencies) {
    const { id } = dependency;
    const { current } = await device.packages.state(id);
    if (current !== null && fits(dependency, current) && (await device.packages.placed(id, current.digest)) !== null)
      continue;
    const role = await device.tree.app(id);
    const control = await device.tree.control(id);
    const offered = [...role.versions.values()]
      .map((each) => ({ sequence: each.sequence, digest: each.indexDigest }))
      .filter((each) => control.offerable.includes(each.sequence) && fits(dependency, each))
      .sort((a, b) => b.sequence - a.sequence)[0];
    if (offered === undefined)
      throw new Refused("install_not_offerable", `No version of ${id} fits ${index.app}.`, { id });
    await device.apply({ action: "install", id, ...offered });
    installed.push(id);
  }
  return installed;
}
