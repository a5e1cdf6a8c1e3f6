import { afterEach, describe, expect, it, vi } from "vitest";
import { Container } from "../src/container/container";
import type { ContainerPorts, ContainerSettings } from "../src/container/ports";
import { MemoryStore } from "../src/store/memory";
import { StoreAway } from "../src/store/problems";

const [A, B, C] = ["bank.demo.a", "bank.demo.b", "bank.demo.c"];
const DIGEST = `sha256:${"a".repeat(64)}`;
const HINT = { action: "install", id: A, sequence: 2, digest: DIGEST } as const;

afterEach(() => vi.unstubAllGlobals());

/** A container of three apps on a disk on which the next version of A does not fit. */
function full(): { container: Container; removed: string[] } {
  vi.stubGlobal("navigator", { locks: { query: async () => ({ held: [] }) } });
  vi.stubGlobal("BroadcastChannel", class {});
  const removed: string[] = [];
  const current = { sequence: 1, version: "1.0.0", digest: DIGEST, isConfirmed: true };
  const device = {
    prepare: async () => {
      throw new StoreAway(new DOMException("full", "QuotaExceededError"));
    },
    packages: {
      apps: async () => [A, B, C].filter((app) => !removed.includes(app)),
      state: async () => ({ current, kept: null, base: null }),
      placed: async () => null,
      staged: async () => null,
      remove: async (app: string) => void removed.push(app),
    },
  };
  const ports = { device, source: {}, store: new MemoryStore(), now: () => 1 } as unknown as ContainerPorts;
  const settings = { workspace: "demo", appsOrigin: "http://{label}.example", kind: "live" };
  return { container: new Container(ports, settings as unknown as ContainerSettings), removed };
}

describe("a version for which there is no room", () => {
  it("takes no app away that a customer has, however often it is tried in the background", async () => {
    const { container, removed } = full();
    for (let round = 0; round < 3; round++) {
      await expect(container.update(HINT)).rejects.toMatchObject({ code: "store_full" });
    }
    expect(removed).toEqual([]);
  });

  it("takes the place of the app that was not used for longest, when somebody opens it", async () => {
    const { container, removed } = full();
    await expect(container.update({ ...HINT, isWanted: true })).rejects.toMatchObject({ code: "store_full" });
    expect(removed).toEqual([B]);
  });
});
