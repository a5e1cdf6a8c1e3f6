/** A store in a folder, for the command line: one file for each key, each replaced whole; a write is not one step. */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { Change, Store, Value } from "../src/store/store";

export class FolderStore implements Store {
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  async get(key: string): Promise<Value> {
    const data = readOrNull(this.file(key));
    if (data === null) return undefined;
    const value: unknown = deserialize(data);
    return value instanceof Uint8Array ? new Uint8Array(value) : value;
  }

  async write(changes: readonly Change[]): Promise<void> {
    for (const { key, value } of changes) {
      if (value === undefined) rmSync(this.file(key), { force: true });
      else replaceFile(this.file(key), serialize(value));
    }
  }

  async keys(prefix: string): Promise<string[]> {
    const names = readdirSync(this.folder).filter((name) => !name.endsWith(".new"));
    return names
      .map(decodeURIComponent)
      .filter((key) => key.startsWith(prefix))
      .sort();
  }

  private file(key: string): string {
    return join(this.folder, encodeURIComponent(key));
  }
}

export function replaceFile(path: string, data: Uint8Array | string): void {
  writeFileSync(`${path}.new`, data);
  renameSync(`${path}.new`, path);
}

export function readOrNull(path: string): Uint8Array | null {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (problem) {
    if (problem instanceof Error && "code" in problem && problem.code === "ENOENT") return null;
    throw problem;
  }
}
