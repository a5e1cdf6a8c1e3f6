/**
 * The client workflow of The Update Framework (TUF 1.0.31, section 5): root, timestamp, snapshot, targets, delegated
 * roles. A refusal leaves every file that was verified before in the store; each verified one is stored at once.
 *
 * It knows nothing of sampan; `TufTree` adds our rules.
 */

import type { Json } from "./canonical";
import { isDelegated } from "./delegation";
import {
  type Delegator,
  type Metadata,
  type MetaFile,
  type Root,
  readMetadata,
  type Snapshot,
  type TargetFile,
  type Targets,
  type Timestamp,
} from "./metadata";
import type { FetchBytes, MetadataStore } from "./ports";
import { demand, isRefused, Refused } from "./refused";
import { checkBytes, checkSigned, verifyMetadata } from "./signatures";

const MAX_ROOTS = 256;
const MAX_ROLES = 32;
const MAX_ROOT_BYTES = 512_000;
const MAX_TIMESTAMP_BYTES = 16_384;
const MAX_SNAPSHOT_BYTES = 2_000_000;
const MAX_TARGETS_BYTES = 5_000_000;

/** One refresh of one tree: make a new one for the next. */
export class TufClient {
  private rootBody: Root | null = null;
  private timestampBody: Timestamp | null = null;
  private snapshotBody: Snapshot | null = null;
  private readonly loaded = new Map<string, Targets>();

  /** `trusted` is the root to start from; `now` is when it is, in milliseconds, for the whole refresh. */
  constructor(
    private readonly trusted: Uint8Array,
    private readonly fetchBytes: FetchBytes,
    private readonly store: MetadataStore,
    private readonly nowMs: number,
  ) {}

  get root(): Root {
    return ready(this.rootBody);
  }

  get snapshot(): Snapshot {
    return ready(this.snapshotBody);
  }

  get targets(): Targets {
    return ready(this.loaded.get(loadedName("root", "targets")) ?? null);
  }

  /** Bring the four top-level roles up to date. */
  async refresh(): Promise<void> {
    await this.loadRoots();
    await this.loadTimestamp();
    await this.loadSnapshot();
    await this.loadTargets("targets", "root", this.root);
  }

  /** Return what the most trusted role lists under a path, or null; loads the delegated roles on the way. */
  async find(path: string): Promise<TargetFile | null> {
    const visited = new Set<string>();
    let waiting: { role: string; parent: string; delegator: Delegator }[] = [
      { role: "targets", parent: "root", delegator: this.root },
    ];
    while (visited.size <= MAX_ROLES) {
      const next = waiting.pop();
      if (next === undefined) return null;
      if (visited.has(next.role)) continue;
      const body = await this.loadTargets(next.role, next.parent, next.delegator);
      const found = body.targets.get(path);
      if (found !== undefined) return found;
      visited.add(next.role);
      const children: typeof waiting = [];
      for (const role of body.delegations?.roles.values() ?? []) {
        if (!(await isDelegated(role, path))) continue;
        if (body.delegations) children.push({ role: role.name, parent: next.role, delegator: body.delegations });
        if (role.terminating) {
          waiting = [];
          break;
        }
      }
      waiting.push(...children.reverse());
    }
    return null;
  }

  /** Return where a target is served, below the tree: its hash stands in the name in consistent snapshots. */
  targetPath(target: TargetFile): string {
    const cut = target.path.lastIndexOf("/") + 1;
    const [hash] = target.hashes.values();
    const prefix = this.root.isConsistent ? `${hash}.` : "";
    return `targets/${target.path.slice(0, cut)}${prefix}${target.path.slice(cut)}`;
  }

  /** Fetch a target and return its verified bytes. */
  async download(target: TargetFile): Promise<Uint8Array> {
    const data = await this.fetched(this.targetPath(target), target.length);
    await checkBytes(data, target, target.path);
    return data;
  }

  private async loadRoots(): Promise<void> {
    const first = readMetadata(this.trusted, "root");
    await checkSigned(first.body, "root", first);
    this.rootBody = first.body;
    await this.store.put(rootName(first.body.version), this.trusted);
    for (let left = MAX_ROOTS; left > 0; left--) {
      const version = this.root.version + 1;
      if (await this.takeStoredRoot(version)) continue;
      const data = await this.limited(`metadata/${version}.root.json`, MAX_ROOT_BYTES);
      if (data === null) break;
      this.rootBody = await nextRoot(this.root, data);
      await this.store.put(rootName(version), data);
    }
    demand(this.root.expiresMs > this.nowMs, "trust_expired", "The root has expired; its officers must renew it.");
  }

  private async takeStoredRoot(version: number): Promise<boolean> {
    const data = await this.store.get(rootName(version));
    if (data === null) return false;
    return attempt(async () => {
      this.rootBody = await nextRoot(this.root, data);
    });
  }

  private async loadTimestamp(): Promise<void> {
    const stored = await this.store.get("timestamp");
    if (stored !== null) await attempt(() => this.takeTimestamp(stored));
    const data = await this.fetched("metadata/timestamp.json", MAX_TIMESTAMP_BYTES);
    if (await this.takeTimestamp(data)) await this.store.put("timestamp", data);
  }

  /** Take a timestamp; false when it is the version that is known, which stays. */
  private async takeTimestamp(data: Uint8Array): Promise<boolean> {
    const { body } = await verifyMetadata(this.root, "timestamp", data, "timestamp");
    const known = this.timestampBody;
    if (known !== null) {
      const isOlder = body.version < known.version;
      demand(!isOlder, "trust_rolled_back", `Timestamp ${body.version} is older than ${known.version}, seen before.`);
      if (body.version === known.version) {
        this.checkTimestamp();
        return false;
      }
      const isBack = body.snapshot.version < known.snapshot.version;
      demand(!isBack, "trust_rolled_back", "The timestamp names an older snapshot than was seen before.");
    }
    this.timestampBody = body;
    this.checkTimestamp();
    return true;
  }

  /** An expired timestamp stays to compare newer ones with, but leads no further. */
  private checkTimestamp(): void {
    const isFresh = ready(this.timestampBody).expiresMs > this.nowMs;
    demand(isFresh, "trust_expired", "The timestamp has expired: the server is out of date, or somebody withholds it.");
  }

  private async loadSnapshot(): Promise<void> {
    const listed = ready(this.timestampBody).snapshot;
    const stored = await this.store.get("snapshot");
    if (stored !== null && (await attempt(() => this.takeSnapshot(stored, listed, true)))) return;
    const path = `metadata/${this.versioned("snapshot", listed)}.json`;
    const data = await this.fetched(path, listed.length ?? MAX_SNAPSHOT_BYTES);
    await this.takeSnapshot(data, listed, false);
    await this.store.put("snapshot", data);
  }

  private async takeSnapshot(data: Uint8Array, listed: MetaFile, isStored: boolean): Promise<void> {
    if (!isStored) await checkBytes(data, listed, "the snapshot");
    const { body } = await verifyMetadata(this.root, "snapshot", data, "snapshot");
    checkNothingGoesBack(this.snapshotBody, body);
    this.snapshotBody = body;
    demand(body.expiresMs > this.nowMs, "trust_expired", "The snapshot has expired: the server is out of date.");
    const isListed = body.version === listed.version;
    demand(isListed, "trust_rolled_back", `The snapshot is ${body.version}; the timestamp names ${listed.version}.`);
  }

  private async loadTargets(role: string, parent: string, delegator: Delegator): Promise<Targets> {
    const name = loadedName(parent, role);
    const known = this.loaded.get(name);
    if (known !== undefined) return known;
    const stored = await this.store.get(role);
    if (stored !== null && (await attempt(() => this.takeTargets(stored, role, name, delegator)))) {
      return ready(this.loaded.get(name) ?? null);
    }
    const listed = this.listed(role);
    const data = await this.fetched(
      `metadata/${this.versioned(role, listed)}.json`,
      listed.length ?? MAX_TARGETS_BYTES,
    );
    const body = await this.takeTargets(data, role, name, delegator);
    await this.store.put(role, data);
    return body;
  }

  private async takeTargets(data: Uint8Array, role: string, name: string, delegator: Delegator): Promise<Targets> {
    const listed = this.listed(role);
    await checkBytes(data, listed, role);
    const { body }: Metadata<Targets> = await verifyMetadata(delegator, role, data, "targets");
    const isListed = body.version === listed.version;
    demand(isListed, "trust_rolled_back", `${role} is ${body.version}; the snapshot names ${listed.version}.`);
    demand(body.expiresMs > this.nowMs, "trust_expired", `The signatures of ${role} have expired.`);
    this.loaded.set(name, body);
    return body;
  }

  private listed(role: string): MetaFile {
    const found = this.snapshot.meta.get(`${role}.json`);
    demand(found !== undefined, "trust_refused", `${role} is delegated, but not in the snapshot.`);
    return found;
  }

  private versioned(role: string, listed: MetaFile): string {
    const name = encodeURIComponent(role);
    return this.root.isConsistent ? `${listed.version}.${name}` : name;
  }

  private async fetched(path: string, maxBytes: number): Promise<Uint8Array> {
    const data = await this.limited(path, maxBytes);
    if (data === null) throw new Refused("trust_unreachable", `The server has no ${path}.`);
    return data;
  }

  private async limited(path: string, maxBytes: number): Promise<Uint8Array | null> {
    const data = await this.fetchBytes(path, maxBytes);
    const isShort = data === null || data.length <= maxBytes;
    demand(isShort, "trust_too_long", `More than ${maxBytes} bytes came for ${path}.`);
    return data;
  }
}

/** Verify root n+1 by root n and by itself (5.3); expiry is checked of the last one alone. */
export async function nextRoot(root: Root, data: Uint8Array): Promise<Root> {
  const metadata = await verifyMetadata(root, "root", data, "root");
  const { version } = metadata.body;
  demand(version === root.version + 1, "trust_rolled_back", `Expected root ${root.version + 1}, got ${version}.`);
  await checkSigned(metadata.body, "root", metadata);
  return metadata.body;
}

/** Return the name under which a root is stored. */
export const rootName = (version: number): string => `root_history/${version}.root`;

/** Read an extra member of a body's signed part. */
export const extra = (body: { readonly signed: { readonly [name: string]: Json } }, name: string): Json =>
  Object.hasOwn(body.signed, name) ? (body.signed[name] ?? null) : null;

function checkNothingGoesBack(known: Snapshot | null, next: Snapshot): void {
  for (const [name, file] of known?.meta ?? []) {
    const found = next.meta.get(name);
    demand(found !== undefined, "trust_refused", `${name} has left the snapshot.`);
    demand(found.version >= file.version, "trust_rolled_back", `The snapshot goes back to an older ${name}.`);
  }
}

const loadedName = (parent: string, role: string): string => JSON.stringify([parent, role]);

function ready<T>(value: T | null): T {
  if (value === null) throw new Refused("trust_unreachable", "The tree has not been refreshed.");
  return value;
}

/** Try something with a stored file, which may be refused: then it is fetched anew. */
async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (problem) {
    if (isRefused(problem)) return false;
    throw problem;
  }
}
