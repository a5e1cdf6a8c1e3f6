/** A whole signed tree of one app, with versions, hotfixes and a control file, and whatever mistakes a test wants in it. */

import { derive } from "../src/download/hotfix";
import type { TreeSource } from "../src/download/http";
import { archiveOf } from "../src/download/zip";
import { metadataStore } from "../src/store/metadata";
import { PackageStore } from "../src/store/packages";
import type { Store } from "../src/store/store";
import { Device } from "../src/sync/device";
import { canonicalJson, type Json, type JsonObject, metadataJson } from "../src/trust/canonical";
import { digestOf, sha256Hex } from "../src/trust/digest";
import { type Hotfix, parseHotfix } from "../src/trust/hotfix";
import { laidOut, parseIndex } from "../src/trust/package-index";
import { sourceOfBytes } from "../src/trust/package-reader";
import { Refused } from "../src/trust/refused";
import { controlPath, hotfixPath, indexPath, packagePath, servedPath } from "../src/trust/roles";
import { TufTree } from "../src/trust/tree";
import type { Control, PackageIndex, Stack } from "../src/trust/types";
import { LATER, NOW, Signer } from "./tuf-repository";

export const APP = "bank.demo.a";
export const TREE = "demo/intl";
const SM3 = "0".repeat(64);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Packed {
  readonly index: Uint8Array;
  readonly archive: Uint8Array;
  readonly contents: PackageIndex;
  readonly digest: string;
}

export class HotfixTree {
  readonly files = new Map<string, Uint8Array>();
  /** Paths that were asked for, in order; `isAway` says which of them the network loses. */
  readonly asked: string[] = [];
  isAway: (path: string, count: number) => boolean = () => false;
  control: Omit<Control, "app" | "serial"> = { offerable: [], killed: [], stacks: [], rollback: [] };
  root: Uint8Array = new Uint8Array();
  private readonly targets: Record<string, Json> = {};
  private readonly versions = new Map<number, Packed>();
  private readonly hotfixes = new Map<string, { hotfix: Hotfix; content: Uint8Array }>();
  private round = 0;

  private constructor(private readonly signers: Readonly<Record<string, Signer>>) {}

  static async make(): Promise<HotfixTree> {
    const names = ["root", "timestamp", "snapshot", "targets", "control", "publisher", "review"];
    const signers = await Promise.all(names.map(async (name) => [name, await Signer.make()] as const));
    const made = new HotfixTree(Object.fromEntries(signers));
    const top = ["root", "timestamp", "snapshot", "targets"];
    const roles = Object.fromEntries(top.map((role) => [role, { keyids: [made.by(role).id], threshold: 1 }]));
    const keys = Object.fromEntries(top.map((role) => [made.by(role).id, made.by(role).key]));
    made.root = await made.signed("root", "root", 1, { consistent_snapshot: true, keys, roles }, ["root"]);
    const delegation = (name: string, by: string[], paths: string[]) => {
      const keyids = by.map((each) => made.by(each).id);
      return { name, keyids, threshold: by.length, terminating: true, paths };
    };
    const delegated = ["publisher", "review", "control"].map((each) => [made.by(each).id, made.by(each).key] as const);
    const delegations = {
      keys: Object.fromEntries(delegated),
      roles: [
        delegation(`app.${APP}`, ["publisher", "review"], [`apps/${APP}/*/*`]),
        delegation("control", ["control"], ["control/*"]),
      ],
    };
    made.files.set(
      "metadata/1.targets.json",
      await made.signed("targets", "targets", 1, { targets: {}, delegations }, ["targets"]),
    );
    return made;
  }

  /** Add a version; it is offered from the next `publish` on. Returns its package digest. */
  async version(sequence: number, files: Readonly<Record<string, string>>): Promise<string> {
    const made = await packed(sequence, files);
    this.versions.set(sequence, made);
    await this.put(indexPath(APP, sequence), made.index, {
      "x-sampan-floor": 0,
      "x-sampan-version": `1.0.${sequence}`,
    });
    await this.put(packagePath(APP, sequence), made.archive);
    this.control = { ...this.control, offerable: [...this.control.offerable, sequence].sort((a, b) => a - b) };
    return made.digest;
  }

  /** Add a hotfix of a version, made on others; `spoil` changes the document before it is signed. */
  async hotfix(
    sequence: number,
    n: number,
    changes: Readonly<Record<string, string | null>>,
    on: readonly number[] = [],
    spoil: (document: Uint8Array) => Uint8Array = (document) => document,
  ): Promise<void> {
    const { contents } = on.length > 0 ? await this.derived(sequence, on) : this.at(sequence);
    const made: Json[] = [];
    const pieces: Uint8Array[] = [];
    for (const [path, text] of Object.entries(changes).sort()) {
      const old = contents.files.find((file) => file.path === path);
      const data = text === null ? null : utf8(text);
      const before = old ? { sha256: old.sha256, size: old.size } : null;
      made.push({ path, before, after: data && { sha256: await sha256Hex(data), sm3: SM3, size: data.length } });
      pieces.push(data ?? new Uint8Array());
    }
    const base = this.at(sequence).digest;
    const whole = { format: "sampan-hotfix/1", app: APP, sequence, base, n, on: [...on], changes: made };
    const document = spoil(canonicalJson(whole));
    const content = new Uint8Array(pieces.flatMap((each) => [...each]));
    await this.put(hotfixPath(APP, sequence, n, "json"), document);
    await this.put(hotfixPath(APP, sequence, n, "bin"), content);
    this.hotfixes.set(`${sequence}/${n}`, { hotfix: tolerant(document), content });
  }

  /** Return what control says of a stack. */
  async stack(sequence: number, ...numbers: number[]): Promise<Stack> {
    const { digest } = await this.derived(sequence, numbers);
    return { sequence, patches: numbers.map(String), digest };
  }

  /** Sign role, control, snapshot and timestamp anew; `stacks` are the live ones from now on. */
  async publish(...stacks: Stack[]): Promise<void> {
    this.control = { ...this.control, stacks };
    const version = ++this.round;
    const control = canonicalJson({ app: APP, serial: `1.${version}`, ...this.control } as unknown as Json);
    const told: Record<string, Json> = { [controlPath(APP)]: await target(control) };
    this.files.set(servedPath(controlPath(APP), await digestOf(control)), control);
    const role = `app.${APP}`;
    const body = await this.signed(role, "targets", version, { targets: this.targets }, ["publisher", "review"]);
    this.files.set(`metadata/${version}.${role}.json`, body);
    const mine = await this.signed("control", "targets", version, { targets: told }, ["control"]);
    this.files.set(`metadata/${version}.control.json`, mine);
    const meta = { "targets.json": { version: 1 }, [`${role}.json`]: { version }, "control.json": { version } };
    const snapshot = await this.signed("snapshot", "snapshot", version, { meta }, ["snapshot"]);
    this.files.set(`metadata/${version}.snapshot.json`, snapshot);
    const head = { meta: { "snapshot.json": { version } } };
    this.files.set(
      "metadata/timestamp.json",
      await this.signed("timestamp", "timestamp", version, head, ["timestamp"]),
    );
  }

  /** A device on this tree, over whatever `store` holds of an earlier one. */
  device(store: Store, packages = new PackageStore(store)): Device {
    const { source, root } = this;
    const tree = new TufTree({ tree: TREE, root, fetchBytes: source.fetchBytes, store: metadataStore(store) });
    return new Device(tree, packages, source, store);
  }

  readonly source: TreeSource = {
    fetchBytes: async (path) => this.fetched(path),
    fetchPieces: (path) => this.pieces(path),
  };

  private async *pieces(path: string): AsyncIterable<Uint8Array> {
    const data = this.fetched(path);
    if (data === null) throw new Refused("trust_unreachable", `no ${path}`);
    yield data.subarray(0, 7);
    yield data.subarray(7);
  }

  private fetched(path: string): Uint8Array | null {
    this.asked.push(path);
    if (this.isAway(path, this.asked.length)) throw new Refused("trust_unreachable", `${path} is lost`);
    return this.files.get(path) ?? null;
  }

  private async derived(sequence: number, numbers: readonly number[]): Promise<Packed> {
    const base = this.at(sequence);
    const stack = numbers.map((n) => this.hotfixes.get(`${sequence}/${n}`)).filter((each) => each !== undefined);
    const made = await derive(base.contents, base.digest, sourceOfBytes(base.archive), stack);
    return { ...made, contents: parseIndex(made.index), digest: await digestOf(made.index) };
  }

  private at(sequence: number): Packed {
    const found = this.versions.get(sequence);
    if (found === undefined) throw new Error(`no version ${sequence}`);
    return found;
  }

  private async put(path: string, data: Uint8Array, custom?: JsonObject): Promise<void> {
    this.targets[path] = { ...(await target(data)), ...(custom && { custom }) };
    this.files.set(servedPath(path, await digestOf(data)), data);
  }

  private async signed(
    role: string,
    type: string,
    version: number,
    more: JsonObject,
    by: string[],
  ): Promise<Uint8Array> {
    const body = {
      _type: type,
      spec_version: "1.0.31",
      version,
      expires: LATER,
      "x-sampan-role": role,
      "x-sampan-tree": TREE,
      ...more,
    };
    return metadataJson({ signatures: await Promise.all(by.map((each) => this.by(each).sign(body))), signed: body });
  }

  private by(name: string): Signer {
    const found = this.signers[name];
    if (found === undefined) throw new Error(`no key ${name}`);
    return found;
  }
}

export const NOW_MS = NOW;

const target = async (data: Uint8Array): Promise<JsonObject> => ({
  length: data.length,
  hashes: { sha256: await sha256Hex(data) },
});

/** Read a document that may be spoilt; one that cannot be read is never derived from. */
function tolerant(document: Uint8Array): Hotfix {
  try {
    return parseHotfix(document);
  } catch {
    return { format: "sampan-hotfix/1", app: APP, sequence: 0, base: "", n: 0, on: [], changes: [] };
  }
}

async function packed(sequence: number, files: Readonly<Record<string, string>>): Promise<Packed> {
  const entries = Object.entries(files).sort();
  const contents = entries.map(([, text]) => utf8(text));
  const unplaced = await Promise.all(
    entries.map(async ([path], at) => {
      const data = contents[at] ?? new Uint8Array();
      return { path, size: data.length, sha256: await sha256Hex(data), sm3: SM3 };
    }),
  );
  const { files: placed, size } = laidOut(unplaced);
  const archive = archiveOf(placed, contents);
  const index = canonicalJson({
    format: "sampan-package/1",
    app: APP,
    kind: "miniapp",
    version: `1.0.${sequence}`,
    sequence,
    min_host: 1,
    permissions: { bridge: [], network: [], webview: [] },
    dependencies: [],
    sub_packages: [],
    pages: ["index"],
    redirects: [],
    archive: { size, sha256: await sha256Hex(archive) },
    files: placed as unknown as Json,
  });
  return { index, archive, contents: parseIndex(index), digest: await digestOf(index) };
}
