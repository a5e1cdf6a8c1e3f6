import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { DeviceKey } from "../src/session/device-key";
import { IndexedDbStore } from "../src/store/indexed-db";
import { memoryLocks } from "../src/store/locks";
import { MemoryStore } from "../src/store/memory";
import { metadataStore } from "../src/store/metadata";
import type { Store } from "../src/store/store";

let opened = 0;
const ENGINES: [string, () => Store][] = [
  ["memory", () => new MemoryStore()],
  ["IndexedDB", () => new IndexedDbStore(`test-${opened++}`)],
];

describe.each(ENGINES)("a store in %s", (_name, make) => {
  it("returns what was written, and undefined for the rest", async () => {
    const store = make();
    await store.write([
      { key: "a", value: { deep: [1, null, "x"] } },
      { key: "b", value: new Uint8Array([1, 2]) },
    ]);
    expect(await store.get("a")).toEqual({ deep: [1, null, "x"] });
    expect(await store.get("b")).toEqual(new Uint8Array([1, 2]));
    expect(await store.get("c")).toBeUndefined();
  });

  it("copies values in and out", async () => {
    const store = make();
    const value = { list: [1] };
    await store.write([{ key: "a", value }]);
    value.list.push(2);
    const found = (await store.get("a")) as typeof value;
    found.list.push(3);
    expect(await store.get("a")).toEqual({ list: [1] });
  });

  it("deletes, and lists keys of a prefix in order", async () => {
    const store = make();
    await store.write(["p/2", "p/10", "q", "p", "p/1"].map((key) => ({ key, value: 0 })));
    await store.write([{ key: "p/2" }]);
    expect(await store.keys("p/")).toEqual(["p/1", "p/10"]);
  });

  it("makes all changes of a write or none", async () => {
    const store = make();
    await store.write([{ key: "a", value: 1 }]);
    const unclonable = () => undefined;
    await expect(
      store.write([
        { key: "a", value: 2 },
        { key: "b", value: unclonable },
      ]),
    ).rejects.toThrow();
    expect(await store.get("a")).toBe(1);
    expect(await store.get("b")).toBeUndefined();
  });

  it("keeps the device's key, which can be used and not read out", async () => {
    const store = make();
    const made = await DeviceKey.kept(store);
    const again = await DeviceKey.kept(store);
    expect(again.jwk).toEqual(made.jwk);
    expect(Object.keys(made.jwk).sort()).toEqual(["crv", "kty", "x", "y"]);
    const { privateKey } = (await store.get("session/key")) as { privateKey: CryptoKey };
    expect(privateKey.extractable).toBe(false);
  });

  it("keeps metadata as the bytes that came", async () => {
    const metadata = metadataStore(make());
    await metadata.put("metadata/timestamp", new Uint8Array([0, 255]));
    expect(await metadata.get("metadata/timestamp")).toEqual(new Uint8Array([0, 255]));
    expect(await metadata.get("metadata/snapshot")).toBe(null);
  });
});

describe("a store in IndexedDB", () => {
  it("is there after a restart, and goes on after the browser closed it", async () => {
    const first = new IndexedDbStore("kept");
    await first.write([{ key: "a", value: 1 }]);
    await first.close();
    expect(await first.get("a")).toBe(1);
    expect(await new IndexedDbStore("kept").get("a")).toBe(1);
  });
});

describe("locks within a process", () => {
  it("lets one in at a time, and the next one in after a failure", async () => {
    const exclusive = memoryLocks();
    const order: string[] = [];
    const run = (name: string) => async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
      if (name === "a") throw new Error("a failed");
    };
    const all = [exclusive("x", run("a")), exclusive("x", run("b")), exclusive("x", run("c"))];
    await expect(all[0]).rejects.toThrow("a failed");
    await Promise.all(all.slice(1));
    expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });
});
