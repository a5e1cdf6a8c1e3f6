import { beforeEach, describe, expect, it } from "vitest";
import { EventQueue, type StoredEvent } from "../src/events/queue";
import { type Answer, ServerAway } from "../src/session/calls";
import { memoryLocks } from "../src/store/locks";
import { MemoryStore } from "../src/store/memory";
import { PackageStore } from "../src/store/packages";
import { StoreAway } from "../src/store/problems";
import { isFreeNetwork } from "../src/sync/client_rules";
import type { Hint } from "../src/sync/device";
import { SyncClient } from "../src/sync/sync-client";
import type { Json, JsonObject } from "../src/trust/canonical";
import { Refused } from "../src/trust/refused";

const A = "bank.demo.a";
const DIGEST = `sha256:${"a".repeat(64)}`;
const FIXED = `sha256:${"f".repeat(64)}`;
const OFFER = {
  action: "install",
  kind: "miniapp",
  id: A,
  version: "1.0.1",
  sequence: 2,
  digest: DIGEST,
  size: 10,
  url: `/trust/demo/intl/targets/apps/${A}/2/${"b".repeat(64)}.package.ma`,
  update: "async",
  reason: "matched",
  release: "rel_1",
  ticket: "t1",
};
const ITEM = { id: A, name: { zh: "甲", en: "A" }, text: { zh: "", en: "" }, category: "x", icon: "", may_open: true };

let store: MemoryStore;
let packages: PackageStore;
let sent: { body: JsonObject; etag: string | undefined }[];
let answers: (Answer | Error)[];
let refusal: Refused | StoreAway | null;
let refusedApps: Map<string, Refused>;
let isSwitched: boolean;
let treeIsAway: boolean;
let isFree: boolean;
let meanwhile: (() => Promise<void>) | null;
let applied: Hint[];

const answer = (body: JsonObject, etag = '"e1"', status = 200): Answer => ({
  status,
  headers: new Headers({ etag }),
  body: { revision: "1.1", next_check_seconds: 1800, offers: [], ...body },
});

beforeEach(() => {
  store = new MemoryStore();
  packages = new PackageStore(store);
  sent = [];
  answers = [];
  refusal = null;
  refusedApps = new Map();
  isSwitched = true;
  treeIsAway = false;
  isFree = true;
  meanwhile = null;
  applied = [];
});

async function call(_method: string, _path: string, body?: Json, headers?: Record<string, string>): Promise<Answer> {
  sent.push({ body: (body ?? {}) as JsonObject, etag: headers?.["if-none-match"] });
  await meanwhile?.();
  const next = answers.shift();
  if (next === undefined || next instanceof Error) throw next ?? new ServerAway("server_away", "no network");
  return next;
}

function client(): SyncClient {
  const exclusive = memoryLocks();
  const nowMs = () => 1_000;
  const events = new EventQueue({ session: { call }, store, exclusive, nowMs });
  const device = {
    packages,
    sync: async () => {
      if (treeIsAway) throw new Refused("trust_unreachable", "no tree");
      return refusedApps;
    },
    apply: async (hint: Hint) => {
      if (refusal !== null) throw refusal;
      applied.push(hint);
      const { patches = [] } = hint.action === "install" ? hint : {};
      const version = { sequence: 2, version: "1.0.1", isConfirmed: false };
      const staged = patches.length > 0 ? { ...version, digest: FIXED, patches } : { ...version, digest: DIGEST };
      if (hint.action === "remove") await packages.remove(hint.id);
      else if (isSwitched) await packages.switch(hint.id, staged);
      return (await packages.state(hint.id)).current;
    },
  };
  const profile = () => ({ platform: "web" });
  const treePath = "/trust/demo/intl";
  return new SyncClient({
    clientApp: "retail",
    session: { call },
    device,
    events,
    store,
    exclusive,
    profile,
    treePath,
    nowMs,
    isOnFreeNetwork: () => isFree,
  });
}

async function noted(): Promise<string[]> {
  const keys = await store.keys("events/queue/");
  const events = (await Promise.all(keys.map((key) => store.get(key)))) as StoredEvent[];
  return events.map((event) => event.type + (event.attrs.code ? ` ${String(event.attrs.code)}` : ""));
}

describe("a round of sync", () => {
  it("asks with what it has, and remembers the answer once it is carried out", async () => {
    answers = [answer({ offers: [OFFER], apps: { etag: "c1", items: [ITEM] } }), answer({}), answer({}, "", 304)];
    const mine = client();
    expect((await mine.run()).happenings.map((each) => each.what)).toEqual(["offered", "installed"]);
    await mine.run();
    expect((await mine.run()).nextCheckSeconds).toBe(1800);
    expect(sent[0]?.body).toMatchObject({ client_app: "retail", revision_seen: "", apps_etag: "", installed: [] });
    const installed = [{ kind: "miniapp", id: A, version: "1.0.1", sequence: 2, digest: DIGEST }];
    expect(sent[1]?.body).toMatchObject({ revision_seen: "1.1", apps_etag: "c1", installed });
    expect(sent.map((each) => each.etag)).toEqual([undefined, '"e1"', '"e1"']);
    expect(await noted()).toEqual(["delivery.offered", "delivery.installed"]);
    expect((await mine.catalogue())?.items.map((item) => item.name.zh)).toEqual(["甲"]);
  });

  it("does not remember an answer whose offers were not all carried out", async () => {
    answers = [answer({ offers: [OFFER] }), answer({ offers: [OFFER] })];
    refusal = new Refused("install_killed", "withdrawn");
    const round = await client().run();
    expect(round.happenings.at(-1)).toMatchObject({ what: "refused", app: A, code: "install_killed" });
    await client().run();
    expect(sent[1]?.etag).toBe(undefined);
    expect(sent[1]?.body.revision_seen).toBe("1.1");
    // The same offer is reported once; what is refused, each time.
    expect(await noted()).toEqual([
      "delivery.offered",
      "trust.refused install_killed",
      "delivery.failed install_killed",
      "trust.refused install_killed",
    ]);
  });

  it("does not take a broken line for a failure", async () => {
    answers = [answer({ offers: [OFFER] })];
    refusal = new Refused("trust_unreachable", "the line broke");
    expect((await client().run()).happenings.at(-1)).toMatchObject({ what: "away", app: A });
    expect(await noted()).toEqual(["delivery.offered"]);
  });

  it("waits with a version whose app is running, and asks again", async () => {
    answers = [answer({ offers: [OFFER] }), answer({ offers: [OFFER] })];
    isSwitched = false;
    expect((await client().run()).happenings.at(-1)?.what).toBe("waiting");
    isSwitched = true;
    expect((await client().run()).happenings.at(-1)?.what).toBe("installed");
    expect(await noted()).toEqual(["delivery.offered", "delivery.installed"]);
  });

  it("closes what the catalogue leaves out, and keeps what it had when the answer has none", async () => {
    const closed = { ...ITEM, id: "bank.demo.b", may_open: false };
    answers = [answer({ apps: { etag: "c1", items: [ITEM, closed] } }), answer({ apps: { etag: "c1" } })];
    await client().run();
    await client().run();
    expect(await packages.isListed(A)).toBe(true);
    expect(await packages.isListed("bank.demo.b")).toBe(false);
    expect((await client().catalogue())?.items.length).toBe(2);
  });

  it("changes nothing when the server is unsure", async () => {
    answers = [
      answer({ apps: { etag: "c1", items: [ITEM] } }),
      answer({ revision: "1.0", unsure: true, apps: { etag: "", items: [] }, offers: [OFFER] }, '"e2"'),
      answer({}),
    ];
    await client().run();
    expect((await client().run()).happenings.map((each) => each.what)).toEqual(["unsure"]);
    expect(await packages.isListed(A)).toBe(true);
    await client().run();
    expect(sent[2]).toMatchObject({ etag: '"e1"', body: { revision_seen: "1.1", apps_etag: "c1" } });
  });

  it.each<[string, object]>([
    ["an unknown action", { action: "format" }],
    ["an id that is a path", { id: "../x" }],
    ["another tree", { url: OFFER.url.replace("/demo/", "/other/") }],
    ["another version's address", { url: OFFER.url.replace("/2/", "/3/") }],
    ["an address with a folder too many", { url: OFFER.url.replace("/2/", "/2/x/") }],
  ])("leaves alone an offer of %s", async (_name, change) => {
    answers = [answer({ offers: [{ ...OFFER, ...change }] })];
    const { happenings } = await client().run();
    expect(happenings.map((each) => [each.what, each.code])).toEqual([["refused", "offer_not_ours"]]);
    expect(await packages.apps()).toEqual([]);
  });

  it("leaves an offer of an unknown kind to clients that know it, and says nothing", async () => {
    answers = [answer({ offers: [{ ...OFFER, kind: "native" }] }), answer({}, "", 304)];
    expect((await client().run()).happenings).toEqual([]);
    await client().run();
    expect(sent[1]?.etag).toBe('"e1"');
    expect([await packages.apps(), await noted()]).toEqual([[], []]);
  });

  it("takes an offer whose address names the server", async () => {
    answers = [answer({ offers: [{ ...OFFER, url: `https://bank.example${OFFER.url}` }] })];
    expect((await client().run()).happenings.at(-1)?.what).toBe("installed");
  });

  it("tells what the tree refused of single apps", async () => {
    answers = [answer({})];
    refusedApps = new Map([[A, new Refused("trust_expired", "expired")]]);
    expect((await client().run()).happenings).toMatchObject([{ what: "refused", app: A, code: "trust_expired" }]);
    expect(await noted()).toEqual(["trust.refused trust_expired"]);
  });

  it("carries out nothing when the tree cannot be refreshed, and asks for the same again", async () => {
    answers = [answer({ offers: [OFFER] }), answer({ offers: [OFFER] })];
    treeIsAway = true;
    await expect(client().run()).rejects.toMatchObject({ code: "trust_unreachable" });
    treeIsAway = false;
    await client().run();
    expect(sent[1]).toMatchObject({ etag: undefined, body: { revision_seen: "" } });
  });

  it("leaves a damaged package out of the question, until it is healed", async () => {
    answers = [answer({ offers: [OFFER] }), answer({ offers: [OFFER] }), answer({})];
    const mine = client();
    await mine.run();
    await mine.damaged(A);
    await mine.run();
    await mine.run();
    expect(sent.map((each) => (each.body.installed as Json[]).length)).toEqual([0, 0, 1]);
    expect(sent[1]?.etag).toBe(undefined);
  });

  it("has a package again that turned out to be damaged in the middle of a round", async () => {
    answers = [answer({ offers: [OFFER] }), answer({}), answer({})];
    const mine = client();
    await mine.run();
    meanwhile = async () => {
      meanwhile = null;
      await Promise.all([mine.damaged(A), mine.damaged("bank.demo.b")]);
    };
    await mine.run();
    await mine.run();
    expect(sent[2]).toMatchObject({ etag: undefined, body: { installed: [] } });
    expect(await store.get("sync/damaged")).toEqual([A, "bank.demo.b"]);
  });

  it("is not asked for again at once, nor never, whatever the server says", async () => {
    const wait = async (seconds: number) => {
      answers = [answer({ next_check_seconds: seconds })];
      return (await client().run()).nextCheckSeconds;
    };
    expect([await wait(-1), await wait(7), await wait(2 ** 40)]).toEqual([1, 7, 86_400]);
  });

  it.each<Json>([{}, [], "x", { revision: "1.1" }])(
    "refuses an answer that is not the protocol's: %j",
    async (body) => {
      answers = [{ status: 200, headers: new Headers(), body }];
      await expect(client().run()).rejects.toMatchObject({ code: "answer_unreadable" });
    },
  );

  it("cleans up after a crash, once", async () => {
    answers = [answer({}), answer({})];
    await store.write([
      { key: `app/${A}`, value: await packages.state(A) },
      { key: `package/${A}/${"c".repeat(64)}/index`, value: new Uint8Array() },
    ]);
    await client().run();
    expect(await store.keys("package/")).toEqual([]);
  });

  it("reports after a crash what it had no time to report", async () => {
    answers = [answer({ offers: [OFFER] }), answer({}), answer({})];
    isSwitched = false;
    await client().run();
    await packages.switch(A, { sequence: 2, version: "1.0.1", digest: DIGEST, isConfirmed: false });
    await client().run();
    await packages.confirm(A);
    await client().run();
    expect(await noted()).toEqual(["delivery.offered", "delivery.installed", "delivery.booted"]);
  });

  it("removes by a hint what the device lets go", async () => {
    answers = [
      answer({ offers: [OFFER] }),
      answer({ offers: [{ action: "remove", kind: "miniapp", id: A, sequence: 2 }] }),
    ];
    await client().run();
    expect((await client().run()).happenings).toEqual([{ what: "removed", app: A, sequence: 2 }]);
  });
});

describe("the client rules of an offer", () => {
  const OLD = { sequence: 1, version: "1.0.0", digest: `sha256:${"0".repeat(64)}`, isConfirmed: true };
  const what = async (mine: SyncClient) => (await mine.run()).happenings.map((each) => each.what);

  it("wait for Wi-Fi with what nobody opens, and ask for it again", async () => {
    const offers = [{ ...OFFER, wifi_only: true }];
    answers = [answer({ offers }), answer({ offers }), answer({ offers })];
    const mine = client();
    isFree = false;
    expect(await what(mine)).toEqual(["offered", "deferred"]);
    expect(await what(mine)).toEqual(["offered", "deferred"]);
    expect(sent[1]?.etag).toBeUndefined();
    isFree = true;
    expect(await what(mine)).toEqual(["offered", "installed"]);
  });

  it("do not keep waiting who opens the app", async () => {
    answers = [answer({ offers: [{ ...OFFER, wifi_only: true }] })];
    const mine = client();
    isFree = false;
    mine.want(A);
    expect(await what(mine)).toEqual(["offered", "installed"]);
    expect(applied).toMatchObject([{ id: A, isWanted: true }]);
  });

  it("fetch ahead what is to be there ahead", async () => {
    const b = "bank.demo.b";
    const second = { ...OFFER, id: b, url: OFFER.url.replace(A, b), predownload: true };
    answers = [answer({ offers: [OFFER, second] })];
    const apps = (await client().run()).happenings.filter((each) => each.what === "offered").map((each) => each.app);
    expect(apps).toEqual([b, A]);
  });

  it("hold back a version below the minimum until it is updated, or the minimum is gone", async () => {
    const offers = [{ ...OFFER, minimum: 2 }];
    await packages.switch(A, OLD);
    const mine = client();
    expect(await mine.mustUpdate(A)).toBe(false);
    refusal = new Refused("trust_unreachable", "no tree");
    answers = [answer({ offers }), answer({ offers: [OFFER] }), answer({ offers }), answer({ offers })];
    await mine.run();
    expect(await mine.mustUpdate(A)).toBe(true);
    expect(await mine.mustUpdate("bank.demo.b")).toBe(false);
    await mine.run();
    expect(await mine.mustUpdate(A)).toBe(false);
    await mine.run();
    expect(await mine.mustUpdate(A)).toBe(true);
    refusal = null;
    await mine.run();
    expect(await mine.mustUpdate(A)).toBe(false);
  });

  it("take a browser that does not tell its network as one that may download", () => {
    expect(isFreeNetwork(undefined)).toBe(true);
    expect(isFreeNetwork({})).toBe(true);
    expect(isFreeNetwork({ type: "wifi" })).toBe(true);
    expect(isFreeNetwork({ type: "cellular" })).toBe(false);
    expect(isFreeNetwork({ type: "bluetooth" })).toBe(false);
  });
});

describe("the hotfixes of an answer", () => {
  const HOTFIX = {
    app: A,
    sequence: 2,
    n: 1,
    patches: ["1"],
    digest: FIXED,
    size: 10,
    release: "rel_h",
    ticket: "th",
    update: "async",
  };
  const OTHERS = [
    { ...HOTFIX, sequence: 1 },
    { ...HOTFIX, app: "bank.demo.b" },
  ];
  const what = async (mine: SyncClient) => (await mine.run()).happenings.map((each) => each.what);
  const names = async () => {
    const events = (await Promise.all(
      (await store.keys("events/queue/")).map((key) => store.get(key)),
    )) as StoredEvent[];
    return events.map(({ type, release, digest, ticket }) => [type, release, digest, ticket]);
  };

  it("come after the versions, and are reported with their own ticket", async () => {
    answers = [
      answer({ offers: [OFFER], hotfixes: [...OTHERS, HOTFIX] }),
      answer({ hotfixes: [...OTHERS, HOTFIX] }),
      answer({}, "", 304),
    ];
    const mine = client();
    expect(await what(mine)).toEqual(["offered", "installed", "offered", "installed"]);
    expect(applied).toMatchObject([{ digest: DIGEST }, { id: A, sequence: 2, digest: FIXED, patches: ["1"] }]);
    expect(await what(mine)).toEqual([]); // it is here; what is for others is left alone
    await mine.run();
    expect(sent.map((each) => each.etag)).toEqual([undefined, '"e1"', '"e1"']);
    expect(sent[1]?.body.installed).toEqual([
      { kind: "miniapp", id: A, version: "1.0.1", sequence: 2, digest: DIGEST },
      { kind: "hotfix", id: `${A}@2`, version: "1.0.1+1", sequence: 1, digest: FIXED },
    ]);
    await mine.deliveries.stage(A, "booted", FIXED);
    const [version, fix] = [
      ["rel_1", DIGEST, "t1"],
      ["rel_h", FIXED, "th"],
    ] as const;
    expect(await names()).toEqual([
      ["delivery.offered", ...version],
      ["delivery.installed", ...version],
      ["delivery.offered", ...fix],
      ["delivery.installed", ...fix],
      ["delivery.booted", ...fix],
    ]);
    expect(applied.length).toBe(2);
  });

  it("come again until they are taken: the line broke, or the app runs", async () => {
    const hotfixes = [HOTFIX];
    answers = [answer({ offers: [OFFER] }), answer({ hotfixes }), answer({ hotfixes }), answer({ hotfixes })];
    const mine = client();
    await mine.run();
    refusal = new Refused("trust_unreachable", "the line broke");
    expect(await what(mine)).toEqual(["offered", "away"]);
    [refusal, isSwitched] = [null, false];
    expect(await what(mine)).toEqual(["offered", "waiting"]);
    isSwitched = true;
    expect(await what(mine)).toEqual(["offered", "installed"]);
    expect(sent.map((each) => each.etag)).toEqual([undefined, '"e1"', undefined, undefined]);
    expect((await names()).filter(([type]) => type === "delivery.failed")).toEqual([]);
  });

  it("are not tried again where they failed to start, and nobody hears of it twice", async () => {
    answers = [answer({ offers: [OFFER] }), answer({ hotfixes: [HOTFIX] }), answer({}, "", 304)];
    const mine = client();
    await mine.run();
    await store.write([{ key: `app/${A}`, value: { ...(await packages.state(A)), failed: [FIXED] } }]);
    expect(await what(mine)).toEqual([]);
    await mine.run();
    expect(sent[2]?.etag).toBe('"e1"');
    expect(applied.length).toBe(1);
  });

  it("that are refused leave everything as it is, and are told with their code", async () => {
    answers = [answer({ offers: [OFFER] }), answer({ hotfixes: [HOTFIX] })];
    const mine = client();
    await mine.run();
    refusal = new Refused("hotfix_result_differs", "another package");
    expect(await what(mine)).toEqual(["offered", "refused"]);
    expect((await packages.state(A)).current?.digest).toBe(DIGEST);
    expect((await noted()).slice(2)).toEqual([
      "delivery.offered",
      "trust.refused hotfix_result_differs",
      "delivery.failed hotfix_result_differs",
    ]);
  });

  it("for which the version here turns out damaged have that come anew", async () => {
    answers = [answer({ offers: [OFFER] }), answer({ hotfixes: [HOTFIX] }), answer({})];
    const mine = client();
    await mine.run();
    refusal = new Refused("store_damaged", "not what was installed");
    await mine.run();
    await mine.run();
    expect(sent[2]).toMatchObject({ etag: undefined, body: { installed: [] } });
  });

  it("wait for a version that waits itself", async () => {
    answers = [answer({ offers: [OFFER] }), answer({ hotfixes: [{ ...HOTFIX, sequence: 3 }] })];
    const mine = client();
    await mine.run();
    const waiting = { sequence: 3, version: "1.0.2", digest: `sha256:${"3".repeat(64)}`, isConfirmed: false };
    await store.write([{ key: `staged/${A}`, value: waiting }]);
    expect(await what(mine)).toEqual([]);
    answers = [answer({})];
    await mine.run();
    expect(sent.at(-1)?.etag).toBeUndefined();
    expect(applied.length).toBe(1);
  });

  it("do not end a round when the storage is full", async () => {
    answers = [answer({ offers: [OFFER] }), answer({ hotfixes: [HOTFIX] })];
    const mine = client();
    await mine.run();
    refusal = new StoreAway(new DOMException("", "QuotaExceededError"));
    expect((await mine.run()).happenings.at(-1)).toMatchObject({ what: "away", app: A, code: "store_full" });
    expect((await packages.state(A)).current?.digest).toBe(DIGEST);
  });

  it.each<Json>([{}, "x", [null, 1, "x", {}], [{ app: A, sequence: 2, patches: "1", digest: FIXED }]])(
    "do no harm in any other form: %j",
    async (hotfixes) => {
      answers = [answer({ offers: [OFFER] }), answer({ hotfixes })];
      const mine = client();
      await mine.run();
      refusal = new Refused("install_not_listed", "as the device says of no hotfixes at all");
      await mine.run();
      expect((await packages.state(A)).current?.digest).toBe(DIGEST);
    },
  );
});
