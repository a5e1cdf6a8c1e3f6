/** What stands in for signatures in a preview and in a trial, and what neither lets through. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { TrialTree } from "../src/container/trial";
import { Keeper } from "../src/origin/keeper";
import { provePreview } from "../src/origin/preview_proof";
import type { Shelf } from "../src/origin/shelf";
import { mockMethods } from "../src/preview/mocks";
import { digestOf } from "../src/trust/digest";
import { checkInstall } from "../src/trust/install-rule";
import { Refused } from "../src/trust/refused";
import { TufTree } from "../src/trust/tree";
import type { AppRole, Control } from "../src/trust/types";

const APP = "bank.demo.a";
const CONFIG = {
  workspace: "demo",
  app: APP,
  kind: "preview",
  profile: "",
  shellOrigins: [],
  root: new Uint8Array(),
} as const;
const CHAIN = { roots: [], targets: new Uint8Array(), role: new Uint8Array() };
const INDEX = new TextEncoder().encode(
  `{"app":"${APP}","archive":{"sha256":"${"0".repeat(64)}","size":22},"dependencies":[],"files":[],` +
    '"format":"sampan-package/1","kind":"miniapp","min_host":1,"pages":[],"permissions":{"bridge":[],"network":[],' +
    '"webview":[]},"redirects":[],"sequence":4,"sub_packages":[],"version":"1.0.0"}',
) as Uint8Array<ArrayBuffer>;

describe("a preview's proof", () => {
  const session = async () => ({
    kind: "preview",
    packages: [{ id: APP, sequence: 4, digest: await digestOf(INDEX) }],
    until_ms: 1_000,
  });
  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => "proved",
      (problem: { code: unknown }) => problem.code,
    );

  it("is the session's digest, for the version that it names and until its end", async () => {
    const raw = await session();
    const digest = await digestOf(INDEX);
    const at = (nowMs: number) => provePreview(raw, () => nowMs);
    const wanted = { sequence: 4, digest };
    expect((await at(999)(CONFIG, APP, CHAIN, INDEX, wanted)).index.app).toBe(APP);
    expect(await refusal(at(1_000)(CONFIG, APP, CHAIN, INDEX, wanted))).toBe("preview_ended");
    expect(await refusal(at(0)(CONFIG, APP, CHAIN, INDEX, { sequence: 5, digest }))).toBe("trust_not_listed");
    expect(await refusal(at(0)(CONFIG, "bank.demo.b", CHAIN, INDEX, wanted))).toBe("trust_not_listed");
    const other = { sequence: 4, digest: `sha256:${"1".repeat(64)}` };
    expect(await refusal(at(0)(CONFIG, APP, CHAIN, INDEX, other))).toBe("trust_not_listed");
    const changed = INDEX.slice();
    changed[INDEX.length - 3] = 0x31;
    expect(await refusal(at(0)(CONFIG, APP, CHAIN, changed, wanted))).toBe("trust_bytes_differ");
  });

  it("serves nothing after the end, although it was proved before", async () => {
    const digest = await digestOf(INDEX);
    const wanted = { app: APP, sequence: 4, digest, shared: [], keep: [] };
    const shelf = {
      wanted: async () => wanted,
      chain: async () => CHAIN,
      index: async () => INDEX,
      archive: async () => new Blob([new Uint8Array(22)]),
      putWanted: async () => undefined,
      keepOnly: async () => undefined,
    } as unknown as Shelf;
    let nowMs = 999;
    const prove = provePreview(await session(), () => nowMs);
    const keeper = new Keeper(CONFIG, shelf, prove, false);
    expect(await keeper.prepare({ sampan: "prepare", wanted, heal: false })).toEqual({ type: "ready" });
    expect((await keeper.opened()).app.sequence).toBe(4);
    nowMs = 1_000;
    expect(await refusal(keeper.opened())).toBe("preview_ended");
  });

  it("is none without a session", async () => {
    for (const raw of [{ ...(await session()), kind: "live" }, { kind: "preview", until_ms: 1 }, {}]) {
      expect(() => provePreview(raw)).toThrow("without a session");
    }
  });

  it("leaves nothing real behind the bridge", async () => {
    const methods = mockMethods();
    const payment = { order: "7", amount: { value_minor: 1, currency: "CNY" }, title: "x" };
    expect(await methods.pay(payment)).toEqual({ status: "paid", reference: "preview-7" });
    await expect(methods["network.fetch"]({ url: "https://a.example" })).rejects.toThrow("no server");
    await methods["storage.set"]({ key: "a", value: 1 });
    expect(await methods["storage.get"]({ key: "a" })).toEqual({ value: 1 });
    expect(await mockMethods()["storage.get"]({ key: "a" })).toEqual({ value: undefined });
  });
});

describe("the trial tree", () => {
  afterEach(() => vi.restoreAllMocks());
  const digest = `sha256:${"2".repeat(64)}`;
  const role = {
    app: APP,
    floor: 3,
    versions: new Map([[4, { sequence: 4, indexDigest: digest }]]),
  } as unknown as AppRole;
  const tree = Object.create(TrialTree.prototype) as TrialTree;
  const told = (control: Control | Error) => {
    vi.spyOn(TufTree.prototype, "app").mockResolvedValue(role);
    const spy = vi.spyOn(TufTree.prototype, "control");
    if (control instanceof Error) spy.mockRejectedValue(control);
    else spy.mockResolvedValue(control);
  };
  const fresh = { highest: 0 };
  const offered = { sequence: 4, digest };

  it("offers what its role lists, before the app has any control file", async () => {
    told(new Refused("trust_not_listed", "no control file"));
    const control = await tree.control(APP);
    expect(control.offerable).toEqual([4]);
    expect(() => checkInstall(offered, role, control, fresh)).not.toThrow();
    expect(() => checkInstall({ sequence: 5, digest }, role, control, fresh)).toThrow("no signed version");
  });

  it("obeys a kill, and fails as the tree does", async () => {
    const killed = [{ sequence: 4, digest, code: "security" }];
    told({ app: APP, serial: "1.1", offerable: [], killed, stacks: [], rollback: [] });
    const control = await tree.control(APP);
    expect(() => checkInstall(offered, role, control, fresh)).toThrow("withdrawn");
    told(new Refused("trust_rolled_back", "older"));
    await expect(tree.control(APP)).rejects.toThrow("older");
  });
});
