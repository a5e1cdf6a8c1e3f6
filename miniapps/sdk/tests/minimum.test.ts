/** The container and a minimum version: what is below it does not open, and a version that waits is switched to first. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Container } from "../src/container/container";
import type { ContainerPorts } from "../src/container/ports";
import { NOTHING } from "../src/store/installed";
import { MemoryStore } from "../src/store/memory";
import { Refused } from "../src/trust/refused";

const APP = "bank.demo.a";
const OLD = { sequence: 1, version: "1.0.0", digest: `sha256:${"1".repeat(64)}`, isConfirmed: true };
const NEW = { sequence: 2, version: "2.0.0", digest: `sha256:${"2".repeat(64)}`, isConfirmed: false };

let done: string[];
let minimum: number;
let current: typeof OLD;
let staged: typeof NEW | null;
let held: Set<string>;
let store: MemoryStore;

beforeEach(() => {
  [done, minimum, current, staged, held, store] = [[], 0, OLD, null, new Set(), new MemoryStore()];
  const request = async (name: string, _options: unknown, act: (lock: object) => Promise<void>) => {
    held.add(name);
    await act({});
    held.delete(name);
  };
  vi.stubGlobal("navigator", { locks: { request, query: async () => ({ held: [] }) } });
});

afterEach(() => vi.unstubAllGlobals());

function container(): Container {
  const packages = {
    staged: async () => staged,
    state: async () => ({ ...NOTHING, current, highest: current.sequence }),
    switch: async (_app: string, to: typeof NEW) => {
      done.push(`switch to ${to.sequence}`);
      [current, staged] = [to, null];
    },
  };
  const tree = {
    obeyedRole: async () => ({ app: APP, floor: 0, versions: new Map([[2, { indexDigest: NEW.digest }]]) }),
    obeyedControl: async () => ({ killed: [], offerable: [2] }),
  };
  const open = async () => {
    done.push(`open ${current.sequence}`);
    throw new Refused("open_killed", "far enough for this test");
  };
  const ports = {
    device: { packages, tree, open },
    source: {},
    store,
    ui: { mount: () => ({}), unmount: () => done.push("unmount") },
    mustUpdate: async () => current.sequence < minimum,
    report: ({ type, attrs }: { type: string; attrs: { code: string } }) => done.push(`${type} ${attrs.code}`),
    now: () => 1,
  };
  const settings = {
    workspace: "demo",
    appsOrigin: "http://{label}.apps.sampan.localhost",
    kind: "live",
    theme: { mode: "light" },
    language: "en",
  };
  return new Container(ports as unknown as ContainerPorts, settings as never);
}

describe("a minimum version", () => {
  it("keeps an older one from opening, and lets go of all that the opening took", async () => {
    minimum = 2;
    const mine = container();
    const told: string[] = [];
    mine.on("refused", ({ app, code }) => told.push(`${app} ${code}`));
    await expect(mine.open(APP)).rejects.toMatchObject({
      code: "open_update_required",
      message: `${APP} must be updated before it opens. Connect to the network and open it again.`,
    });
    expect(told).toEqual([`${APP} open_update_required`]);
    expect(done).toEqual(["trust.refused open_update_required", "unmount"]); // and the rule was asked nothing
    expect(mine.running()).toEqual([]);
    await vi.waitFor(() => expect(held.size).toBe(0));
  });

  it("is asked of after the version that waits is switched to", async () => {
    [minimum, staged] = [2, NEW];
    await store.write([{ key: `ready/${APP}`, value: "a key" }]); // so that no boot page is made before the rule is asked
    await expect(container().open(APP)).rejects.toMatchObject({ code: "open_killed" });
    expect(done.slice(0, 2)).toEqual(["switch to 2", "open 2"]);
  });

  it("leaves alone what is not below it", async () => {
    minimum = 1;
    await store.write([{ key: `ready/${APP}`, value: "a key" }]);
    await expect(container().open(APP)).rejects.toMatchObject({ code: "open_killed" });
    expect(done[0]).toBe("open 1");
  });
});
