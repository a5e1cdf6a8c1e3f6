/** The container and hotfixes: they wait while the app is open, and what was withdrawn meanwhile is not switched to. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Container } from "../src/container/container";
import type { ContainerPorts } from "../src/container/ports";
import { MemoryStore } from "../src/store/memory";
import type { Device } from "../src/sync/device";
import type { Stack } from "../src/trust/types";
import { APP, HotfixTree, NOW_MS } from "./hotfix-tree";

let tree: HotfixTree;
let device: Device;
let base: string;
let one: Stack;
let isOpen: boolean;
let told: string[];
let container: Container;

beforeEach(async () => {
  [isOpen, told] = [false, []];
  const held = () => (isOpen ? [{ name: `sampan:open:${APP}` }] : []);
  const request = async (_name: string, _options: unknown, act: (lock: object) => Promise<void>) => act({});
  vi.stubGlobal("navigator", { locks: { request, query: async () => ({ held: held() }) } });
  tree = await HotfixTree.make();
  base = await tree.version(3, { "app.js": "throw", "index.html": "<p>1</p>" });
  await tree.hotfix(3, 1, { "app.js": "fixed" });
  one = await tree.stack(3, 1);
  await tree.publish(one);
  const store = new MemoryStore();
  device = tree.device(store);
  await device.sync(NOW_MS);
  await device.apply({ action: "install", id: APP, sequence: 3, digest: base });
  await device.booted(APP);
  const ports = {
    device,
    source: tree.source,
    store,
    ui: { mount: () => ({}), unmount: () => undefined },
    mustUpdate: async () => true, // far enough for these tests: nothing opens
    report: () => undefined,
    now: () => NOW_MS,
  };
  const settings = { workspace: "demo", appsOrigin: "http://{label}.apps.sampan.localhost", kind: "live" };
  container = new Container(ports as unknown as ContainerPorts, settings as never);
  for (const event of ["version-ready", "installed", "refused"] as const) {
    container.on(event, (data) => told.push(`${event} ${"code" in data ? data.code : data.sequence}`));
  }
});

afterEach(() => vi.unstubAllGlobals());

const update = () => container.update({ action: "install", id: APP, ...one });
const current = async () => (await device.packages.state(APP)).current?.digest;
const open = () => container.open(APP).catch(() => undefined);

it("hotfixes are switched to at once where nothing of the app runs", async () => {
  await update();
  expect([await current(), told]).toEqual([one.digest, []]);
});

it("hotfixes wait while the app is open in any tab, and are switched to before it opens again", async () => {
  isOpen = true;
  await update();
  expect([await current(), told]).toEqual([base, ["version-ready 3"]]);
  isOpen = false;
  await open();
  expect([await current(), told[1]]).toEqual([one.digest, "installed 3"]);
  expect(await device.packages.staged(APP)).toBeNull();
});

it("hotfixes that were kept wait like others, and what runs already is no news", async () => {
  await update();
  await device.booted(APP);
  await tree.hotfix(3, 2, { "index.html": "<p>2</p>" }, [1]);
  const two = await tree.stack(3, 1, 2);
  await tree.publish(one, two);
  await device.sync(NOW_MS);
  await device.apply({ action: "install", id: APP, ...two });
  isOpen = true;
  await container.update({ action: "install", id: APP, ...two });
  expect([await device.packages.staged(APP), told]).toEqual([null, []]);
  await update();
  expect([await current(), told]).toEqual([two.digest, ["version-ready 3"]]);
  isOpen = false;
  await open();
  expect(await current()).toBe(one.digest);
});

it("hotfixes that are withdrawn while they wait are let go", async () => {
  isOpen = true;
  await update();
  await tree.publish();
  await device.sync(NOW_MS);
  isOpen = false;
  await open();
  expect([await current(), told[1]]).toEqual([base, "refused hotfix_not_listed"]);
  expect([await device.packages.staged(APP), await device.packages.placed(APP, one.digest)]).toEqual([null, null]);
});

it("hotfixes that wait for a version that is not here any more are let go", async () => {
  isOpen = true;
  await update();
  const next = await tree.version(4, { "app.js": "4", "index.html": "<p>4</p>" });
  await tree.publish(one);
  await device.sync(NOW_MS);
  await device.apply({ action: "install", id: APP, sequence: 4, digest: next });
  await device.packages.place(
    APP,
    { ...one, version: "1.0.3", isConfirmed: false },
    {
      index: new Uint8Array(),
      archive: new Uint8Array(),
      chain: { roots: [], targets: new Uint8Array(), role: new Uint8Array() },
    },
  );
  isOpen = false;
  await open();
  expect([await current(), told[1]]).toEqual([next, "refused hotfix_base_differs"]);
  expect(await device.packages.staged(APP)).toBeNull();
});
