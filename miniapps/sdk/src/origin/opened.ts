/** A version as the worker serves it: proved from the built-in root once, and each file again on every serve. */

import { PackageReader, sourceOfBlob } from "../trust/package-reader";
import { Refused } from "../trust/refused";
import type { PackageIndex, StoredChain, VerifiedInstall } from "../trust/types";
import type { OriginConfig } from "./config";
import type { SharedWanted, Wanted } from "./messages";

/** One proved package: what its index says, and the bytes, which are checked each time they are read. */
export class OpenedPackage {
  private readonly paths: ReadonlySet<string>;
  private readonly reader: PackageReader;

  /** Throws `archive_mismatch` when the archive has another size than the index says. */
  constructor(
    readonly index: PackageIndex,
    readonly sequence: number,
    readonly digest: string,
    archive: Blob,
  ) {
    this.paths = new Set(index.files.map((file) => file.path));
    this.reader = new PackageReader(index, sourceOfBlob(archive));
  }

  has(path: string): boolean {
    return this.paths.has(path);
  }

  /** Return the verified bytes of a file; throws `Refused`: `package_file_missing` or `store_damaged`. */
  async read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.reader.read(path)) as Uint8Array<ArrayBuffer>;
  }
}

/** What is served at an origin: the app, and its shared packages by id. */
export interface OpenedApp {
  readonly app: OpenedPackage;
  readonly shared: ReadonlyMap<string, OpenedPackage>;
}

/** Where packages and proofs come from; every method may return rubbish, or null for "not there". */
export interface Sources {
  chain(app: string): Promise<StoredChain | null>;
  index(digest: string): Promise<Uint8Array<ArrayBuffer> | null>;
  archive(digest: string): Promise<Blob | null>;
}

/** The verifier's offline entry: from the built-in root to the index of one version. Throws `Refused`. */
export type Prove = (
  config: OriginConfig,
  app: string,
  chain: StoredChain,
  index: Uint8Array<ArrayBuffer>,
  wanted: { readonly sequence: number; readonly digest: string },
) => Promise<VerifiedInstall>;

/** Thrown when parts are absent; holds the digests of the packages to ask for again. */
export class Missing extends Error {
  constructor(readonly packages: readonly string[]) {
    super(`${packages.length} package(s) are not stored in this origin.`);
  }
}

/**
 * Prove a version and its shared packages. Throws `Missing` when something is not there (any more), or `Refused` when
 * what is there is not what was signed.
 */
export async function openApp(
  config: OriginConfig,
  wanted: Wanted,
  sources: Sources,
  prove: Prove,
): Promise<OpenedApp> {
  if (wanted.app !== config.app) throw new Refused("trust_role_mismatch", `This origin is ${config.app}'s.`);
  const all = [{ id: wanted.app, sequence: wanted.sequence, digest: wanted.digest }, ...wanted.shared];
  const found = await Promise.all(all.map((each) => fetchParts(each, sources)));
  const absent = all.filter((_, at) => found[at] === null).map((each) => each.digest);
  if (absent.length > 0) throw new Missing(absent);
  const opened: OpenedPackage[] = [];
  for (const [at, each] of all.entries()) {
    const parts = found[at];
    if (parts) opened.push(await openPackage(config, each, parts, prove));
  }
  const [app, ...shared] = opened;
  if (app === undefined) throw new Missing(absent);
  checkShared(app.index, wanted.shared);
  return { app, shared: new Map(shared.map((each) => [each.index.app, each])) };
}

interface Parts {
  readonly chain: StoredChain;
  readonly index: Uint8Array<ArrayBuffer>;
  readonly archive: Blob;
}

async function fetchParts(wanted: SharedWanted, sources: Sources): Promise<Parts | null> {
  const [chain, index, archive] = await Promise.all([
    sources.chain(wanted.id),
    sources.index(wanted.digest),
    sources.archive(wanted.digest),
  ]);
  return chain === null || index === null || archive === null ? null : { chain, index, archive };
}

async function openPackage(
  config: OriginConfig,
  wanted: SharedWanted,
  parts: Parts,
  prove: Prove,
): Promise<OpenedPackage> {
  const proved = await prove(config, wanted.id, parts.chain, parts.index, wanted);
  if (wanted.sequence < proved.role.floor) {
    throw new Refused("open_below_floor", `Version ${wanted.sequence} of ${wanted.id} is below its security floor.`);
  }
  return new OpenedPackage(proved.index, wanted.sequence, wanted.digest, parts.archive);
}

/** Every shared package must be one that the app's signed index allows. */
function checkShared(index: PackageIndex, shared: readonly SharedWanted[]): void {
  for (const each of shared) {
    const allowed = index.dependencies.some((dependency) => {
      if (dependency.id !== each.id) return false;
      if ("digest" in dependency) return dependency.digest === each.digest;
      return dependency.min_sequence <= each.sequence && each.sequence <= dependency.max_sequence;
    });
    if (!allowed) throw new Refused("trust_not_listed", `${index.app} does not depend on this version of ${each.id}.`);
  }
}
