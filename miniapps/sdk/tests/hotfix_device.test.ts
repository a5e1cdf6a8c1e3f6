/** A device and hotfixes, on a tree that is signed for real: old or new, never half, and back without the network. */

import { beforeEach, describe, expect, it } from "vitest";
import { Shelf } from "../src/origin/shelf";
import { type Installed, MAX_BOOTS, versionName } from "../src/store/installed";
import { MemoryStore } from "../src/store/memory";
import { PackageStore } from "../src/store/packages";
import { StoreAway } from "../src/store/problems";
import type { Change } from "../src/store/store";
import type { Device, Hint } from "../src/sync/device";
import { canonicalJson, type Json, type JsonObject, parseJson } from "../src/trust/canonical";
import { digestOf } from "../src/trust/digest";
import { verifyInstalled } from "../src/trust/offline";
import type { Stack, StoredChain } from "../src/trust/types";
import { APP, HotfixTree, NOW_MS, TREE } from "./hotfix-tree";

const FILES = { "app.css": "", "app.js": "throw", "index.html": "<p>1</p>", "manifest.json": "{}", "old.txt": "old" };

let tree: HotfixTree;
let store: MemoryStore;
let device: Device;
let base: string;
let one: Stack;

beforeEach(async () => {
  tree = await HotfixTree.make();
  store = new MemoryStore();
  base = await tree.version(3, FILES);
  await tree.hotfix(3, 1, { "app.js": "fixed", "old.txt": null });
  one = await tree.stack(3, 1);
  await tree.publish(one);
  device = tree.device(store);
  await device.sync(NOW_MS);
  await device.apply({ action: "install", id: APP, sequence: 3, digest: base });
  await device.booted(APP);
});

const hint = ({ sequence, digest, patches }: Stack): Hint & { action: "install" } => ({
  action: "install",
  id: APP,
  sequence,
  digest,
  patches,
});

async function shown(path = "app.js", on: Device = device): Promise<string> {
  const { opened } = await on.open(APP, NOW_MS);
  return new TextDecoder().decode(await opened.reader.read(path));
}

const current = async () => (await device.packages.state(APP)).current;

/** The packages on disk, by digest. */
async function onDisk(): Promise<string[]> {
  const keys = (await store.keys(`package/${APP}/`)).filter((key) => key.endsWith("/index"));
  return keys.map((key) => `sha256:${key.split("/")[2]}`).sort();
}

/** What the worker of the origin makes of what the shell sends it. */
async function proved(change: (chain: StoredChain) => StoredChain = (chain) => chain) {
  const { installed, placed } = await device.packages.open(APP);
  const { index, chain } = placed;
  return verifyInstalled({
    tree: TREE,
    root: tree.root,
    chain: change(chain),
    app: APP,
    digest: installed.digest,
    index,
  });
}

describe("a hotfix", () => {
  it("is applied beside its version, and the worker proves every file of it", async () => {
    await device.apply(hint(one));
    expect(await current()).toMatchObject({ sequence: 3, version: "1.0.3", digest: one.digest, patches: ["1"] });
    expect(versionName((await current()) as Installed)).toBe("1.0.3+1");
    expect(await shown()).toBe("fixed");
    await expect(shown("old.txt")).rejects.toMatchObject({ code: "package_file_missing" });
    expect(await onDisk()).toEqual([base, one.digest].sort());
    const { index, version } = await proved();
    expect(version.indexDigest).toBe(base);
    expect(index.files.map((file) => file.path)).toEqual(["app.css", "app.js", "index.html", "manifest.json"]);
    await device.booted(APP);
    expect(await onDisk()).toEqual([base, one.digest].sort()); // the base stays, to go back to
  });

  it("goes on another one, and takes no byte of what is here from the network", async () => {
    await device.apply(hint(one));
    await device.booted(APP);
    await tree.hotfix(3, 2, { "app.js": "fixed better" }, [1]);
    const two = await tree.stack(3, 1, 2);
    await tree.publish(one, two);
    await device.sync(NOW_MS);
    tree.asked.length = 0;
    await device.apply(hint(two));
    expect(await shown()).toBe("fixed better");
    expect(tree.asked.every((path) => path.includes(".hotfix-"))).toBe(true);
    expect((await device.packages.state(APP)).base?.digest).toBe(base);
  });

  it("comes in the round in which its version came", async () => {
    const next = await tree.version(4, { ...FILES, "app.js": "throw more" });
    await tree.hotfix(4, 1, { "app.js": "fixed 4" });
    const stack = await tree.stack(4, 1);
    await tree.publish(one, stack);
    await device.sync(NOW_MS);
    await device.apply({ action: "install", id: APP, sequence: 4, digest: next });
    await device.apply(hint(stack));
    expect(await device.packages.state(APP)).toMatchObject({
      current: { digest: stack.digest },
      kept: { digest: base },
      base: { digest: next },
      highest: 4,
    });
    expect(await shown()).toBe("fixed 4");
  });

  it("goes with its version", async () => {
    await device.apply(hint(one));
    await device.booted(APP);
    const next = await tree.version(4, { ...FILES, "app.js": "4" });
    await tree.publish(one);
    await device.sync(NOW_MS);
    await device.apply({ action: "install", id: APP, sequence: 4, digest: next });
    expect(await onDisk()).toEqual([base, one.digest, next].sort()); // until the new one has booted
    await device.booted(APP);
    expect(await onDisk()).toEqual([next]);
    expect(await device.packages.state(APP)).toMatchObject({ current: { digest: next }, kept: null, base: null });
    await expect(device.apply(hint(one))).rejects.toMatchObject({ code: "hotfix_base_differs" });
  });
});

describe("a hotfix that is withdrawn", () => {
  beforeEach(async () => {
    await device.apply(hint(one));
    await device.booted(APP);
  });

  it("is left at the next sync, and the base runs again", async () => {
    const told: string[] = [];
    device.onCurrent = (app, to) => told.push(`${app} ${to.digest}`);
    await tree.publish();
    await tree.device(store).sync(NOW_MS); // another tab
    await device.sync(NOW_MS);
    expect(await current()).toMatchObject({ digest: base, isConfirmed: true });
    expect(told).toEqual([`${APP} ${base}`]);
    expect(await shown()).toBe("throw");
    expect(await onDisk()).toEqual([base]);
    await expect(device.apply(hint(one))).rejects.toMatchObject({ code: "hotfix_not_listed" });
  });

  it("is left at the next open without a network, when the tab went away after control had come", async () => {
    await tree.publish();
    await device.tree.refresh(NOW_MS);
    await device.tree.control(APP);
    expect(await current()).toMatchObject({ digest: one.digest });
    tree.isAway = () => true;
    const later = tree.device(store);
    expect(await shown("app.js", later)).toBe("throw");
    expect(await onDisk()).toEqual([base]);
  });

  it("stays as long as control lists it, whatever sync says", async () => {
    await device.sync(NOW_MS);
    expect(await shown()).toBe("fixed");
  });

  it("gives way to another one that control lists", async () => {
    await tree.hotfix(3, 2, { "index.html": "<p>2</p>" });
    const two = await tree.stack(3, 2);
    await tree.publish(two);
    await device.sync(NOW_MS);
    expect(await shown()).toBe("throw");
    await device.apply(hint(two));
    expect([await shown(), await shown("index.html")]).toEqual(["throw", "<p>2</p>"]);
  });

  it("does not let a late boot of it count as one of the base", async () => {
    store = new MemoryStore();
    device = tree.device(store);
    await device.sync(NOW_MS);
    await device.apply({ action: "install", id: APP, sequence: 3, digest: base });
    await device.apply(hint(one));
    await device.open(APP, NOW_MS);
    await tree.publish();
    await device.sync(NOW_MS);
    await device.booted(APP, one.digest);
    expect(await current()).toMatchObject({ digest: base, isConfirmed: false });
    await device.booted(APP, base);
    expect(await current()).toMatchObject({ digest: base, isConfirmed: true });
  });
});

describe("a hotfix that does not start", () => {
  const crash = async (): Promise<void> => {
    for (let start = 0; start < MAX_BOOTS; start++) await device.open(APP, NOW_MS);
  };

  it("gives way to what ran before, and is never tried again", async () => {
    await device.apply(hint(one));
    await crash();
    const { opened, left } = await device.open(APP, NOW_MS);
    expect([opened.installed.digest, left?.digest]).toEqual([base, one.digest]);
    expect(await device.packages.state(APP)).toMatchObject({ failed: [one.digest], base: null, kept: null });
    await expect(device.apply(hint(one))).rejects.toMatchObject({ code: "install_failed_here" });
    expect(await shown()).toBe("throw");
    await tree.hotfix(3, 2, { "app.js": "good" });
    const two = await tree.stack(3, 2);
    await tree.publish(one, two);
    await device.sync(NOW_MS);
    await device.apply(hint(two));
    expect(await shown()).toBe("good");
  });

  it("gives way to an earlier one that is still listed, and else to the base", async () => {
    await device.apply(hint(one));
    await device.booted(APP);
    await tree.hotfix(3, 2, { "app.js": "worse" }, [1]);
    await tree.hotfix(3, 3, { "app.js": "worst" }, [1]);
    const [two, three] = [await tree.stack(3, 1, 2), await tree.stack(3, 1, 3)];
    await tree.publish(one, two, three);
    await device.sync(NOW_MS);
    await device.apply(hint(two));
    await crash();
    expect(await shown()).toBe("fixed");
    await device.booted(APP);
    await device.apply(hint(three));
    await tree.publish(three);
    await device.sync(NOW_MS);
    await crash();
    expect(await shown()).toBe("throw");
  });

  it("of a version that never ran either gives way to the version before", async () => {
    const next = await tree.version(4, { ...FILES, "app.js": "4" });
    await tree.hotfix(4, 1, { "app.js": "broken 4" });
    const stack = await tree.stack(4, 1);
    await tree.publish(one, stack);
    await device.sync(NOW_MS);
    await device.apply({ action: "install", id: APP, sequence: 4, digest: next });
    await device.apply(hint(stack));
    await crash();
    expect(await shown()).toBe("throw");
    expect(await device.packages.state(APP)).toMatchObject({ current: { sequence: 3 }, failed: [stack.digest] });
    await device.apply({ action: "install", id: APP, sequence: 4, digest: next });
    expect(await shown()).toBe("4");
  });

  it("of the first version here gives way to that version", async () => {
    store = new MemoryStore();
    device = tree.device(store);
    await device.sync(NOW_MS);
    await device.apply({ action: "install", id: APP, sequence: 3, digest: base });
    await device.apply(hint(one));
    await crash();
    expect(await shown()).toBe("throw");
  });
});

describe("what is refused", () => {
  const refused = async (stack: Stack, code: string): Promise<void> => {
    await device.sync(NOW_MS);
    await expect(device.apply(hint(stack))).rejects.toMatchObject({ code });
    expect(await current()).toMatchObject({ digest: base });
    expect(await shown()).toBe("throw");
    expect(await onDisk()).toEqual([base]);
  };
  const spoilt =
    (change: (document: Record<string, Json>) => void) =>
    (document: Uint8Array): Uint8Array => {
      const value = structuredClone(parseJson(document)) as Record<string, Json>;
      change(value);
      return canonicalJson(value);
    };

  it("a stack that control does not list as it is", async () => {
    await refused({ ...one, digest: base }, "hotfix_not_listed");
    await refused({ ...one, patches: ["1", "2"] }, "hotfix_not_listed");
    await tree.publish();
    await refused(one, "hotfix_not_listed");
  });

  it("a stack that the role does not list", async () => {
    await tree.publish({ ...one, patches: ["1", "9"] });
    await refused({ ...one, patches: ["1", "9"] }, "hotfix_not_listed");
  });

  it("a killed version's", async () => {
    tree.control = { ...tree.control, killed: [{ sequence: 3, digest: base, code: "data_leak" }] };
    await tree.publish(one);
    await device.sync(NOW_MS);
    await expect(device.apply(hint(one))).rejects.toMatchObject({ code: "install_killed" });
  });

  it.each<[string, (document: Record<string, Json>) => void, string]>([
    ["for another package", (document) => (document.base = `sha256:${"0".repeat(64)}`), "hotfix_base_differs"],
    ["for another version", (document) => (document.sequence = 4), "hotfix_malformed"],
    ["of another number", (document) => (document.n = 3), "hotfix_malformed"],
    ["of another app", (document) => (document.app = "bank.demo.b"), "hotfix_malformed"],
    [
      "of more content than it has",
      (document) => {
        const [change] = document.changes as JsonObject[];
        document.changes = [{ ...change, after: { ...(change?.after as JsonObject), size: 5 } }];
      },
      "hotfix_malformed",
    ],
    ["of another form", (document) => (document.extra = 1), "hotfix_malformed"],
    [
      "of the manifest",
      (document) =>
        (document.changes = [{ ...((document.changes as Json[])[0] as JsonObject), path: "manifest.json" }]),
      "hotfix_manifest",
    ],
  ])("a document that both parties signed %s", async (_name, change, code) => {
    await tree.hotfix(3, 2, { "app.js": "evil" }, [], spoilt(change));
    const stack = { sequence: 3, patches: ["2"], digest: `sha256:${"1".repeat(64)}` };
    await tree.publish(stack);
    await refused(stack, code);
  });

  it("a stack that gives another package than control lists", async () => {
    const lie = { ...one, digest: `sha256:${"1".repeat(64)}` };
    await tree.publish(lie);
    await refused(lie, "hotfix_result_differs");
  });

  it.each(["json", "bin"])("a %s that is not the signed one", async (part) => {
    const path = [...tree.files.keys()].find((each) => each.endsWith(`.hotfix-1.${part}`)) ?? "";
    const data = tree.files.get(path) ?? new Uint8Array();
    tree.files.set(path, new Uint8Array([...data.subarray(1), 0]));
    await refused(one, "trust_bytes_differ");
    tree.files.set(path, new Uint8Array([...data, 0]));
    await refused(one, "trust_too_long");
    tree.files.set(path, data.subarray(1));
    await refused(one, "trust_unreachable");
    tree.files.set(path, data);
    await device.apply(hint(one));
    expect(await shown()).toBe("fixed");
  });
});

describe("the worker's proof", () => {
  beforeEach(async () => {
    await tree.hotfix(3, 2, { "index.html": "<p>2</p>" }, [1]);
    await tree.hotfix(3, 3, { "app.css": "p{}" });
    const two = await tree.stack(3, 1, 2);
    await tree.publish(one, two, await tree.stack(3, 3));
    await device.sync(NOW_MS);
    await device.apply(hint(two));
  });

  const stackOf = (chain: StoredChain) => chain.stack ?? { base: new Uint8Array(), documents: [] };

  it("holds for what was applied", async () => {
    expect((await proved()).index.files.find((file) => file.path === "index.html")?.size).toBe(8);
  });

  it.each<[string, (chain: StoredChain) => StoredChain, string]>([
    ["without the stack", ({ stack: _, ...chain }) => chain, "trust_not_listed"],
    ["without documents", (chain) => ({ ...chain, stack: { ...stackOf(chain), documents: [] } }), "trust_not_listed"],
    [
      "with a document less",
      (chain) => ({ ...chain, stack: { ...stackOf(chain), documents: stackOf(chain).documents.slice(1) } }),
      "hotfix_result_differs",
    ],
    [
      "with the documents the other way round",
      (chain) => ({ ...chain, stack: { ...stackOf(chain), documents: [...stackOf(chain).documents].reverse() } }),
      "hotfix_malformed",
    ],
    [
      "with a document that nobody signed",
      (chain) => ({
        ...chain,
        stack: {
          ...stackOf(chain),
          documents: stackOf(chain).documents.map((each) =>
            canonicalJson({ ...(parseJson(each) as JsonObject), on: [] }),
          ),
        },
      }),
      "trust_not_listed",
    ],
    [
      "with another base",
      (chain) => ({ ...chain, stack: { ...stackOf(chain), base: new TextEncoder().encode("{}") } }),
      "trust_not_listed",
    ],
  ])("fails %s", async (_name, change, code) => {
    await expect(proved(change)).rejects.toMatchObject({ code });
  });

  it("fails for an index of which one digest is another one", async () => {
    const { installed, placed } = await device.packages.open(APP);
    const index = parseJson(placed.index) as Record<string, Json>;
    const files = structuredClone(index.files) as Record<string, Json>[];
    Object.assign(files.find((file) => file.path === "app.js") ?? {}, { sha256: "f".repeat(64) });
    const evil = canonicalJson({ ...index, files });
    const { chain } = placed;
    const proof = { tree: TREE, root: tree.root, chain, app: APP, digest: await digestOf(evil), index: evil };
    await expect(verifyInstalled(proof)).rejects.toMatchObject({ code: "hotfix_result_differs" });
    await expect(verifyInstalled({ ...proof, digest: installed.digest })).rejects.toMatchObject({
      code: "trust_bytes_differ",
    });
  });

  it("lives on the worker's shelf as it was sent", async () => {
    const answers = new Map<string, Response>();
    const cache = { put: async (key: string, value: Response) => void answers.set(key, value) };
    const match = async (key: string) => answers.get(key)?.clone();
    const shelf = new Shelf({ open: async () => cache, match } as unknown as CacheStorage);
    const { chain } = (await device.packages.open(APP)).placed;
    const { stack: _, ...plain } = chain;
    await shelf.putChains({ [APP]: chain, "bank.demo.b": plain });
    expect(await shelf.chain(APP)).toEqual(chain);
    expect(await shelf.chain("bank.demo.b")).toEqual(plain);
  });
});

describe("old or new, never half", () => {
  it("when the network drops at any fetch", async () => {
    let fetches = 0;
    for (let count = 1; ; count++) {
      store = new MemoryStore();
      tree.isAway = () => false;
      device = tree.device(store);
      await device.sync(NOW_MS);
      await device.apply({ action: "install", id: APP, sequence: 3, digest: base });
      await device.booted(APP);
      tree.asked.length = 0;
      tree.isAway = (_path, asked) => asked === count;
      const problem = await device.apply(hint(one)).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (problem === null) break;
      fetches += 1;
      expect(problem).toMatchObject({ code: "trust_unreachable" });
      expect([await shown(), (await current())?.digest]).toEqual(["throw", base]);
      await device.apply(hint(one)); // the network is back
      expect(await shown()).toBe("fixed");
    }
    expect(fetches).toBe(2); // document and content
  });

  it("when the storage is full or the tab is killed at any write", async () => {
    let writes = 0;
    for (let count = 1; ; count++) {
      const full = new FullStore();
      store = full;
      device = tree.device(store);
      await device.sync(NOW_MS);
      await device.apply({ action: "install", id: APP, sequence: 3, digest: base });
      await device.booted(APP);
      full.left = count;
      const problem = await device.apply(hint(one)).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (problem === null) break;
      writes += 1;
      expect(problem).toBeInstanceOf(StoreAway);
      full.left = Number.POSITIVE_INFINITY;
      device = tree.device(store); // a new tab
      await device.packages.recover();
      expect(["throw", "fixed"]).toContain(await shown());
      await device.sync(NOW_MS);
      await device.apply(hint(one));
      expect(await shown()).toBe("fixed");
    }
    expect(writes).toBeGreaterThan(0);
  });

  it("when two tabs do it at the same moment", async () => {
    const packages = new PackageStore(store);
    const other = tree.device(store, packages);
    device = tree.device(store, packages);
    await Promise.all([device.sync(NOW_MS), other.sync(NOW_MS)]);
    await Promise.all([device.apply(hint(one)), other.apply(hint(one))]);
    expect(await shown()).toBe("fixed");
    expect(await device.packages.state(APP)).toMatchObject({ kept: { digest: base }, base: { digest: base } });
  });

  it("when another tab has gone on to the next version meanwhile", async () => {
    const staged = await device.prepare(hint(one));
    const next = await tree.version(4, { ...FILES, "app.js": "4" });
    await tree.publish(one);
    const other = tree.device(store);
    await other.sync(NOW_MS);
    await other.apply({ action: "install", id: APP, sequence: 4, digest: next });
    await expect(device.packages.switch(APP, staged)).rejects.toMatchObject({ code: "hotfix_base_differs" });
    expect(await shown("app.js", other)).toBe("4");
  });

  it("when the base on this device is damaged: nothing changes until it came anew", async () => {
    const key = (await store.keys(`package/${APP}/`)).find((each) => each.endsWith("/archive")) ?? "";
    const archive = (await store.get(key)) as Uint8Array;
    await store.write([{ key, value: archive.map((byte, at) => (at === 50 ? byte ^ 1 : byte)) }]);
    await expect(device.apply(hint(one))).rejects.toMatchObject({ code: "store_damaged" });
    await device.apply({ action: "install", id: APP, sequence: 3, digest: base });
    await device.apply(hint(one));
    expect(await shown()).toBe("fixed");
  });

  it("when the version is offered that runs with a hotfix: it goes on, unless it is damaged", async () => {
    await device.apply(hint(one));
    const again = { action: "install", id: APP, sequence: 3, digest: base } as const;
    await device.apply(again);
    expect(await shown()).toBe("fixed");
    const key = (await store.keys(`package/${APP}/${one.digest.slice(7)}/archive`))[0] ?? "";
    await store.write([{ key, value: new Uint8Array(3) }]);
    await device.apply(again);
    expect(await shown()).toBe("throw");
    await device.apply(hint(one));
    expect(await shown()).toBe("fixed");
  });
});

/** A store that has room for some writes more. */
class FullStore extends MemoryStore {
  left = Number.POSITIVE_INFINITY;

  override async write(changes: readonly Change[]): Promise<void> {
    if (--this.left < 1) throw new StoreAway(new DOMException("full", "QuotaExceededError"));
    await super.write(changes);
  }
}
