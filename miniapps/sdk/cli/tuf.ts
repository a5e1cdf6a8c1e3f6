/**
 * The bare TUF workflow with the command line that the tuf-conformance suite asks of a client under test:
 *
 *   --metadata-dir DIR init ROOT.json
 *   --metadata-dir DIR --metadata-url URL refresh
 *   --metadata-dir DIR --metadata-url URL --target-dir DIR --target-base-url URL --target-name PATH ... download
 *
 * The clock is the process's own, so that faketime works.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { httpTree } from "../src/download/http";
import { digestOf } from "../src/trust/digest";
import type { TargetFile } from "../src/trust/metadata";
import type { FetchBytes, MetadataStore } from "../src/trust/ports";
import { Refused } from "../src/trust/refused";
import { TufClient } from "../src/trust/tuf-client";
import { readOrNull, replaceFile } from "./folder-store";

export interface TufOptions {
  readonly metadataDir: string;
  readonly metadataUrl: string;
  readonly targetDir: string;
  readonly targetBaseUrl: string;
  readonly targetNames: readonly string[];
}

/** Trust a root. */
export function init(options: TufOptions, root: string): void {
  mkdirSync(options.metadataDir, { recursive: true });
  writeFileSync(join(options.metadataDir, "trusted_root"), readFileSync(root));
  writeFileSync(join(options.metadataDir, "root.json"), readFileSync(root));
}

/** Refresh, and download the targets that are named. */
export async function run(options: TufOptions): Promise<void> {
  const trusted = readFileSync(join(options.metadataDir, "trusted_root"));
  const client = new TufClient(new Uint8Array(trusted), fetchBoth(options), new Files(options.metadataDir), Date.now());
  await client.refresh();
  for (const name of options.targetNames) {
    const target = await client.find(name);
    if (target === null) throw new Refused("trust_not_listed", `${name} is in no role.`);
    await keep(options, target, client);
  }
}

async function keep(options: TufOptions, target: TargetFile, client: TufClient): Promise<void> {
  const path = join(options.targetDir, encodeURIComponent(target.path));
  const known = readOrNull(path);
  const isHere = known !== null && (await digestOf(known)) === `sha256:${target.hashes.get("sha256")}`;
  if (!isHere) replaceFile(path, await client.download(target));
}

function fetchBoth(options: TufOptions): FetchBytes {
  const metadata = httpTree(options.metadataUrl).fetchBytes;
  const targets = httpTree(options.targetBaseUrl).fetchBytes;
  return (path, maxBytes) =>
    path.startsWith("targets/")
      ? targets(encodePath(path.slice("targets/".length)), maxBytes)
      : metadata(path.slice("metadata/".length), maxBytes);
}

const encodePath = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

/** Metadata as the suite wants to see it: `root.json` is the newest root, the others have no version in their name. */
class Files implements MetadataStore {
  private newestRoot: number;

  constructor(private readonly folder: string) {
    mkdirSync(join(folder, "root_history"), { recursive: true });
    const stored = readdirSync(join(folder, "root_history"));
    this.newestRoot = Math.max(1, ...stored.map((name) => rootVersion(`root_history/${name}`)));
  }

  async get(name: string): Promise<Uint8Array | null> {
    return readOrNull(this.file(name));
  }

  async put(name: string, data: Uint8Array): Promise<void> {
    replaceFile(this.file(name), data);
    const version = rootVersion(name);
    if (version < this.newestRoot) return;
    this.newestRoot = version;
    replaceFile(this.file("root"), data);
  }

  private file(name: string): string {
    const isRoot = rootVersion(name) > 0;
    return join(this.folder, isRoot ? `${name}.json` : `${encodeURIComponent(name)}.json`);
  }
}

/** The version in `root_history/<n>.root`; 0 for other names. */
const rootVersion = (name: string): number => Number(/^root_history\/(\d+)\.root/.exec(name)?.[1] ?? 0);
