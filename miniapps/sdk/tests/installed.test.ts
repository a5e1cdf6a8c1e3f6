import { beforeEach, describe, expect, it } from "vitest";
import { type Installed, NOTHING } from "../src/store/installed";
import { MemoryStore } from "../src/store/memory";
import { PackageStore, type PlacedPackage } from "../src/store/packages";

const APP = "bank.demo.a";
const version = (sequence: number, app = APP): Installed => ({
  sequence,
  version: `1.0.${sequence}`,
  digest: `sha256:${`${app}${sequence}`.replace(/[^0-9a-f]/g, "").padStart(64, "0")}`,
  isConfirmed: false,
});
const placed: PlacedPackage = {
  index: new Uint8Array([1]),
  archive: new Uint8Array([2]),
  chain: { roots: [], targets: new Uint8Array(), role: new Uint8Array() },
};

let store: MemoryStore;
let packages: PackageStore;

beforeEach(() => {
  store = new MemoryStore();
  packages = new PackageStore(store);
});

async function install(sequence: number, app = APP): Promise<void> {
  await packages.place(app, version(sequence, app), placed);
  await packages.switch(app, version(sequence, app));
}

async function isHere(sequence: number, app = APP): Promise<boolean> {
  return (await packages.placed(app, version(sequence, app).digest)) !== null;
}

describe("versions on a device", () => {
  it("keeps the earlier version until the new one has booted", async () => {
    await install(1);
    await packages.confirm(APP);
    await install(2);
    expect(await packages.state(APP)).toMatchObject({
      current: { sequence: 2 },
      kept: { sequence: 1 },
      highest: 2,
      highestStarted: 1,
    });
    expect([await isHere(1), await isHere(2)]).toEqual([true, true]);
    await packages.confirm(APP);
    expect(await packages.state(APP)).toMatchObject({ current: { isConfirmed: true }, kept: null, highestStarted: 2 });
    expect([await isHere(1), await isHere(2)]).toEqual([false, true]);
  });

  it("does not keep a version that never booted", async () => {
    await install(1);
    await packages.confirm(APP);
    await install(2);
    await install(3);
    expect(await packages.state(APP)).toMatchObject({ current: { sequence: 3 }, kept: { sequence: 1 }, highest: 3 });
    expect(await isHere(2)).toBe(false);
  });

  it("counts starts of a version that has not booted, and goes back once", async () => {
    await install(1);
    await packages.confirm(APP);
    await install(2);
    expect([(await packages.beginBoot(APP)).boots, (await packages.beginBoot(APP)).boots]).toEqual([1, 2]);
    expect((await packages.revert(APP)).sequence).toBe(1);
    const state = await packages.state(APP);
    expect(state).toMatchObject({ current: { sequence: 1 }, kept: null, highest: 2, boots: 0 });
    expect(state.failed).toEqual([version(2).digest]);
    await expect(packages.revert(APP)).rejects.toMatchObject({ code: "store_nothing_to_revert" });
    expect((await packages.beginBoot(APP)).boots).toBe(0);
  });

  it("remembers after a removal what was there once", async () => {
    await install(2);
    await packages.remove(APP);
    expect(await packages.state(APP)).toEqual({ ...NOTHING, highest: 2 });
    expect(await store.keys("package/")).toEqual([]);
    expect(await packages.apps()).toEqual([APP]);
  });

  it("keeps a version that waits to be switched to, whatever happens meanwhile", async () => {
    await install(1);
    await packages.place(APP, version(2), placed);
    await packages.confirm(APP);
    await install(1, "bank.demo.b");
    await packages.recover();
    expect(await packages.staged(APP)).toEqual(version(2));
    expect(await isHere(2)).toBe(true);
    await packages.switch(APP, version(2));
    expect(await packages.staged(APP)).toBe(null);
    expect([await isHere(1), await isHere(2)]).toEqual([true, true]);
  });

  it("loses nothing of two changes at the same moment", async () => {
    await install(1);
    await Promise.all([packages.beginBoot(APP), packages.beginBoot(APP), packages.beginBoot(APP)]);
    expect((await packages.state(APP)).boots).toBe(3);
  });

  it("lets go of what was placed before and is not wanted any more", async () => {
    await install(1);
    await packages.place(APP, version(2), placed);
    await packages.place(APP, version(3), placed);
    await packages.recover();
    expect([await isHere(1), await isHere(2), await isHere(3)]).toEqual([true, false, true]);
  });

  it("tells damage by its code", async () => {
    await expect(packages.open(APP)).rejects.toMatchObject({ code: "store_damaged" });
    await install(1);
    await expect(packages.open(APP)).rejects.toMatchObject({ code: "store_damaged" });
    expect(await packages.isWhole(APP, version(1).digest)).toBe(false);
  });

  it("lists every app until the first sync, and then those of the last one", async () => {
    expect(await packages.isListed(APP)).toBe(true);
    await packages.rememberCatalogue(["bank.demo.b"]);
    expect([await packages.isListed(APP), await packages.isListed("bank.demo.b")]).toEqual([false, true]);
  });
});
