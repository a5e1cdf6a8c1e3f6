/**
 * Ways to the archive of a version that cost less than fetching it: a delta, or the files that are here already
 * (docs/protocols/delta.md). Both only save bytes; what they give counts when it is the archive of the signed index.
 */

import { sha256Hex } from "../trust/digest";
import { PackageReader } from "../trust/package-reader";
import type { ByteSource } from "../trust/ports";
import { demand } from "../trust/refused";
import type { FileEntry, PackageIndex } from "../trust/types";
import { joined, type TreeSource } from "./http";
import { archiveOf } from "./zip";

/** Of either archive; both and the result are held in memory. */
export const MAX_DELTA_ARCHIVE = 64 * 1024 * 1024;
const MAX_FETCHED_FILES = 64;
/** Of the archive's bytes: files come as they are, and a whole archive deflates to about a third. */
const WORTH_IT_PERCENT = 30;

/** The version that is installed. Its bytes are as the disk gave them. */
export interface Base {
  readonly contents: PackageIndex;
  readonly archive: ByteSource;
}

/** How an archive came, and the ways that were tried before in vain. */
export type Way = "delta" | "files" | "whole";

export interface Shortcut {
  readonly way: Way;
  readonly archive: Uint8Array | null;
  readonly failed: readonly Way[];
}

/** Try the delta, then the files; `archive` is null when the whole archive is to be fetched. */
export async function takeShortcut(base: Base, target: PackageIndex, source: TreeSource): Promise<Shortcut> {
  const failed: Way[] = [];
  const ways = { delta: byDelta, files: byFiles };
  for (const way of ["delta", "files"] as const) {
    try {
      const archive = await ways[way](base, target, source);
      if (archive !== null) return { way, archive, failed };
    } catch {
      failed.push(way); // whatever it was, a base that the disk lost too: the whole archive needs none of it
    }
  }
  return { way: "whole", archive: null, failed };
}

async function byDelta(base: Base, target: PackageIndex, source: TreeSource): Promise<Uint8Array | null> {
  if (Math.max(base.archive.size, target.archive.size) > MAX_DELTA_ARCHIVE) return null;
  const name = `deltas/${base.contents.archive.sha256}-${target.archive.sha256}`;
  const delta = await source.fetchBytes(name, target.archive.size);
  if (delta === null) return null;
  const { applyDelta } = await import("./delta"); // no part of the first page: most openings need no delta
  return applyDelta(await base.archive.read(0, base.archive.size), delta, target.archive);
}

async function byFiles(base: Base, target: PackageIndex, source: TreeSource): Promise<Uint8Array | null> {
  const here = new Map(base.contents.files.map((file) => [file.sha256, file.path]));
  const missing = target.files.filter((file) => !here.has(file.sha256));
  const wanted = missing.reduce((sum, file) => sum + file.size, 0);
  const isWorthIt = missing.length <= MAX_FETCHED_FILES && 100 * wanted <= WORTH_IT_PERCENT * target.archive.size;
  if (!isWorthIt || target.archive.size > MAX_DELTA_ARCHIVE) return null;
  const reader = new PackageReader(base.contents, base.archive);
  const contents: Uint8Array[] = [];
  for (const file of target.files) {
    const path = here.get(file.sha256);
    contents.push(path === undefined ? await fetched(file, source) : await reader.read(path));
  }
  const archive = archiveOf(target.files, contents);
  const isSigned = archive.length === target.archive.size && (await sha256Hex(archive)) === target.archive.sha256;
  demand(isSigned, "archive_mismatch", "The files together are not the signed archive.");
  return archive;
}

async function fetched(file: FileEntry, source: TreeSource): Promise<Uint8Array> {
  const data = await source.fetchBytes(`files/${file.sha256}`, file.size);
  const isSigned = data !== null && data.length === file.size && (await sha256Hex(data)) === file.sha256;
  demand(isSigned, "trust_bytes_differ", `${file.path} is not the signed file.`);
  return data ?? joined([], 0);
}
