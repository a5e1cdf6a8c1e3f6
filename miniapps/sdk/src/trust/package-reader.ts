/** Reading `package.ma` by the offsets of its verified index; every file is checked each time it is read. */

import { sha256Hex } from "./digest";
import { fileOf } from "./package-index";
import type { ByteSource } from "./ports";
import { demand, Refused } from "./refused";
import type { FileEntry, PackageIndex } from "./types";

export class PackageReader {
  private readonly files: ReadonlyMap<string, FileEntry>;

  /** Throws `archive_mismatch` when the archive has another size than the index says. */
  constructor(
    readonly index: PackageIndex,
    private readonly archive: ByteSource,
  ) {
    const isWhole = archive.size === index.archive.size;
    demand(isWhole, "archive_mismatch", "The archive is not the one of the index (its size differs).");
    this.files = new Map(index.files.map((file) => [file.path, file]));
  }

  /** Return a file; throw `package_file_missing`, or `store_damaged` when it is not what was signed. */
  async read(path: string): Promise<Uint8Array> {
    const file = this.files.get(path);
    if (file === undefined) {
      throw new Refused("package_file_missing", `${this.index.app} has no file ${path.slice(0, 200)}.`);
    }
    const data = await this.archive.read(file.offset, file.size);
    const told = `${path} of ${this.index.app} is damaged; install it again.`;
    demand(await isFile(file, data), "store_damaged", told);
    return data;
  }
}

/** Whether these bytes are the file of the index. */
export async function isFile(file: FileEntry, data: Uint8Array): Promise<boolean> {
  return data.length === file.size && (await sha256Hex(data)) === file.sha256;
}

/**
 * Check a whole archive and every file in it against its index; throw `archive_mismatch` or `trust_bytes_differ`.
 * WebCrypto hashes no streams, so the archive is held in memory once.
 */
export async function verifyArchive(index: PackageIndex, data: Uint8Array): Promise<void> {
  const isWhole = data.length === index.archive.size && (await sha256Hex(data)) === index.archive.sha256;
  demand(isWhole, "archive_mismatch", "The archive is not the one that the index describes; it is fetched again.");
  for (const file of index.files) {
    const content = data.subarray(file.offset, file.offset + file.size);
    const told = `${file.path} in the archive is not the file of the index.`;
    demand(await isFile(file, content), "trust_bytes_differ", told);
  }
}

/** Bytes in memory as a source. */
export const sourceOfBytes = (data: Uint8Array): ByteSource => ({
  size: data.length,
  read: async (offset, length) => data.subarray(offset, offset + length),
});

/** A Blob (of IndexedDB, of the Cache API) as a source. */
export const sourceOfBlob = (blob: Blob): ByteSource => ({
  size: blob.size,
  read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
});

export { fileOf };
