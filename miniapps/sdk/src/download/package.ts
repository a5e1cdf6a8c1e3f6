/** A version on its way to the device: fetched with limits, resumed after a break, verified before it is placed. */

import type { Store } from "../store/store";
import { digestOf } from "../trust/digest";
import { fittingIndex } from "../trust/offline";
import { MAX_INDEX_BYTES } from "../trust/package-index";
import { verifyArchive } from "../trust/package-reader";
import { demand, isRefused, Refused } from "../trust/refused";
import { indexPath, packagePath, servedPath } from "../trust/roles";
import type { PackageIndex, SignedVersion } from "../trust/types";
import { joined, type TreeSource } from "./http";
import { type Base, type Shortcut, takeShortcut, type Way } from "./shortcuts";

/** How much is held in memory before it is written down to be resumed from. */
const PART_BYTES = 1024 * 1024;

export interface Downloaded extends Came {
  readonly index: Uint8Array;
  readonly contents: PackageIndex;
  readonly archive: Uint8Array;
}

/** Which way bytes came, and which were tried in vain. */
export interface Came {
  readonly way: Way | "hotfix";
  readonly failed: readonly Way[];
}

export interface Progress {
  /** The archive is here, unverified. */
  readonly downloaded?: (bytes: number, came: Came) => Promise<void> | void;
  /** Index, archive and every file are the signed ones. */
  readonly verified?: () => Promise<void> | void;
}

/**
 * Fetch and verify one version, going on from what an earlier try left in `store`. With a `base`, a delta or its files
 * are tried before a whole archive is begun.
 *
 * Throws `trust_bytes_differ`, `trust_too_long`, `archive_mismatch` or an `index_` refusal, and throws what came away;
 * throws `trust_unreachable` when the line broke, and keeps what came.
 */
export async function downloadPackage(
  version: SignedVersion,
  source: TreeSource,
  store: Store,
  progress: Progress = {},
  base: Base | null = null,
): Promise<Downloaded> {
  const parts = await Parts.of(store, version);
  try {
    const index = await fetchIndex(version, source);
    const contents = fittingIndex(version, index);
    const isBegun = (await parts.size()) > 0;
    const short = base === null || isBegun ? WHOLE : await takeShortcut(base, contents, source);
    const archive = short.archive ?? (await fetchArchive(version, source, parts));
    await progress.downloaded?.(archive.length, short);
    await verifyArchive(contents, archive);
    await progress.verified?.();
    return { index, contents, archive, way: short.way, failed: short.failed };
  } catch (problem) {
    if (isRefused(problem) && problem.code !== "trust_unreachable") await parts.forget();
    throw problem;
  }
}

const WHOLE: Shortcut = { way: "whole", archive: null, failed: [] };

async function fetchIndex(version: SignedVersion, source: TreeSource): Promise<Uint8Array> {
  const { app, sequence, indexDigest, indexBytes } = version;
  const isSmall = indexBytes <= MAX_INDEX_BYTES;
  demand(isSmall, "trust_too_long", `The index of ${app} is announced with ${indexBytes} bytes.`);
  const data = await source.fetchBytes(servedPath(indexPath(app, sequence), indexDigest), indexBytes);
  if (data === null) throw new Refused("trust_unreachable", `The server has no index of ${app} ${version.version}.`);
  const isSigned = data.length === indexBytes && (await digestOf(data)) === indexDigest;
  demand(isSigned, "trust_bytes_differ", `The index of ${app} ${version.version} is not the signed one.`);
  return data;
}

async function fetchArchive(version: SignedVersion, source: TreeSource, parts: Parts): Promise<Uint8Array> {
  const { app, sequence, packageDigest, packageBytes } = version;
  let have = await parts.size();
  let waiting: Uint8Array[] = [];
  let held = 0;
  const keep = async (): Promise<void> => {
    if (held === 0) return;
    await parts.add(have - held, joined(waiting, held));
    waiting = [];
    held = 0;
  };
  try {
    if (have < packageBytes) {
      for await (const chunk of source.fetchPieces(servedPath(packagePath(app, sequence), packageDigest), have)) {
        have += chunk.length;
        demand(have <= packageBytes, "trust_too_long", `More than the announced ${packageBytes} bytes arrived.`);
        waiting.push(chunk);
        held += chunk.length;
        if (held >= PART_BYTES) await keep();
      }
    }
  } finally {
    await keep();
  }
  demand(have === packageBytes, "trust_unreachable", `The archive of ${app} ended early; it resumes at the next sync.`);
  return joined(await parts.all(), packageBytes);
}

/** The pieces of one archive in the store, by offset. */
class Parts {
  private readonly prefix: string;

  /** The pieces of this version; those of another one of the app, which nobody will go on with, are let go. */
  static async of(store: Store, { app, indexDigest }: SignedVersion): Promise<Parts> {
    const key = `begun/${app}`;
    const before = await store.get(key);
    if (typeof before === "string" && before !== indexDigest) await new Parts(store, before).forget();
    if (before !== indexDigest) await store.write([{ key, value: indexDigest }]);
    return new Parts(store, indexDigest);
  }

  private constructor(
    private readonly store: Store,
    digest: string,
  ) {
    this.prefix = `part/${digest.slice(digest.indexOf(":") + 1)}/`;
  }

  async add(offset: number, value: Uint8Array): Promise<void> {
    await this.store.write([{ key: this.prefix + String(offset).padStart(12, "0"), value }]);
  }

  /** Return where the last piece ends; 0 when the pieces do not follow each other. */
  async size(): Promise<number> {
    let end = 0;
    for (const key of await this.store.keys(this.prefix)) {
      const value = await this.store.get(key);
      if (!(value instanceof Uint8Array) || Number(key.slice(this.prefix.length)) !== end) {
        await this.forget();
        return 0;
      }
      end += value.length;
    }
    return end;
  }

  async all(): Promise<Uint8Array[]> {
    const keys = await this.store.keys(this.prefix);
    const values = await Promise.all(keys.map((key) => this.store.get(key)));
    return values.filter((value) => value instanceof Uint8Array);
  }

  async forget(): Promise<void> {
    await this.store.write((await this.store.keys(this.prefix)).map((key) => ({ key })));
  }
}
