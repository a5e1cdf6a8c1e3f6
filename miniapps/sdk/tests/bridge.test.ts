import { describe, expect, it, vi } from "vitest";
import { makeApi } from "../src/bridge/api";
import { checkArgs } from "../src/bridge/arguments";
import { BridgeClient } from "../src/bridge/client";
import { BridgeHost, type HostOptions } from "../src/bridge/host";
import { MAX_PENDING, measure, RateGate } from "../src/bridge/limits";
import type { Methods } from "../src/bridge/methods";
import { isNote } from "../src/bridge/notes";
import { isDeclared, isPermitted } from "../src/bridge/permissions";
import type { Answer, Note } from "../src/bridge/protocol";

const NONE = { bridge: [], network: [], webview: [] };

describe("limits", () => {
  it("measures plain data and refuses everything else", () => {
    expect(measure({ a: "xy", b: [1, null] })).toBeGreaterThan(0);
    for (const value of [() => 1, new Date(), new Map(), Symbol("x"), 1n, new Blob([])]) {
      expect(() => measure({ value })).toThrow("plain data");
    }
  });

  it("refuses an array of nothing that says it has billions of parts, without looking at each", () => {
    const sparse: unknown[] = [];
    sparse.length = 2 ** 32 - 1;
    expect(() => measure({ value: sparse })).toThrow(expect.objectContaining({ code: "too_large" }));
  });

  it("refuses what is too large, too deep or has too many parts", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 40; level++) deep = [deep];
    for (const value of ["x".repeat(600_000), deep, new Array(30_000).fill(1), new Uint8Array(2_000_000)]) {
      expect(() => measure(value)).toThrow(expect.objectContaining({ code: "too_large" }));
    }
  });

  it("admits a burst and then a rate", () => {
    const gate = new RateGate(2, 3, 0);
    expect([0, 0, 0, 0].map((now) => gate.admits(now))).toEqual([true, true, true, false]);
    expect([400, 500, 1_000].map((now) => gate.admits(now))).toEqual([false, true, true]);
  });
});

describe("permissions", () => {
  it("come from the signed index alone", () => {
    expect(isPermitted("storage.get", NONE)).toBe(true);
    expect(isPermitted("pay", NONE)).toBe(false);
    expect(isPermitted("pay", { ...NONE, bridge: ["pay"] })).toBe(true);
    expect(isPermitted("network.fetch", { ...NONE, network: ["a.example"] })).toBe(true);
  });

  it.each([
    ["https://a.example/x", true],
    ["https://b.a.example/", false],
    ["https://c.wild.example/", true],
    ["https://wild.example/", false],
    ["https://evilwild.example/", false],
    ["https://a.example:444/", false],
    ["https://port.example:8443/", true],
    ["https://port.example/", false],
    ["http://a.example/", false],
    ["https://a.example.evil.example/", false],
    ["https://a.example@evil.example/", false],
  ])("%s is declared: %s", (url, wanted) => {
    expect(isDeclared(new URL(url), ["a.example", "*.wild.example", "port.example:8443"])).toBe(wanted);
  });
});

describe("arguments", () => {
  it("keeps the known members and names the wrong one", () => {
    expect(checkArgs("storage.get", { key: "a", other: 1 })).toEqual({ key: "a" });
    expect(checkArgs("user.tier", undefined)).toEqual({});
    expect(() => checkArgs("storage.get", { key: "" })).toThrow("`key`");
    expect(() => checkArgs("storage.get", JSON.parse('{"__proto__": {"key": "a"}}'))).toThrow("`key`");
    expect(() => checkArgs("login", { scopes: ["openid", "admin"] })).toThrow("`scopes`");
    expect(() => checkArgs("pay", { order: "1", title: "x", amount: { value_minor: 1.5, currency: "CNY" } })).toThrow(
      "`amount`",
    );
    expect(() => checkArgs("navigation.open", { app: "../x" })).toThrow("`app`");
  });
});

describe("notes", () => {
  it("are taken in their documented shape alone", () => {
    expect(isNote({ note: "boot", milliseconds: 3 })).toBe(true);
    expect(isNote({ note: "boot", milliseconds: "3" })).toBe(false);
    expect(isNote({ note: "console", level: "log", text: "x".repeat(3_000) })).toBe(false);
    expect(isNote({ note: "toString" })).toBe(false);
  });
});

/** A host over a real channel, and the port that an app would hold. */
function hosted(options: Partial<HostOptions> = {}) {
  const { port1, port2 } = new MessageChannel();
  const methods = {
    "storage.get": async () => ({ value: 7 }),
    "user.tier": async () => ({ tier: "full" }),
    pay: async () => ({ status: "paid", reference: "r" }),
    location: () => new Promise(() => undefined),
  } as unknown as Methods;
  const notes: Note[] = [];
  const host = new BridgeHost(port1, {
    permissions: { bridge: ["user.tier", "pay", "location", "user.profile"], network: [], webview: [] },
    methods,
    mayMoveMoney: true,
    consents: async () => true,
    onNote: (note) => notes.push(note),
    onCall: () => undefined,
    now: () => 0,
    ...options,
  });
  const ask = (message: unknown): Promise<Answer> =>
    new Promise((resolve) => {
      port2.onmessage = (event: MessageEvent<Answer>) => resolve(event.data);
      port2.postMessage(message);
    });
  return { host, ask, port2, notes };
}

const PAYMENT = { order: "1", title: "x", amount: { value_minor: 1, currency: "CNY" } };

describe("the host", () => {
  it("answers what is permitted", async () => {
    const { ask, host } = hosted();
    expect(await ask({ id: 1, method: "storage.get", args: { key: "a" } })).toEqual({
      id: 1,
      ok: true,
      result: { value: 7 },
    });
    host.close();
  });

  it.each([
    [{ method: "camera", args: {} }, "permission_denied"],
    [{ method: "constructor", args: {} }, "not_available"],
    [{ method: "storage.get", args: { key: 1 } }, "bad_argument"],
    [{ method: "storage.get", args: { key: "x".repeat(1_000_000) } }, "too_large"],
    [{ method: "network.fetch", args: { url: "https://a.example/" } }, "permission_denied"],
  ])("refuses %j with %s", async (message, code) => {
    const { ask, host } = hosted();
    expect(await ask({ id: 1, ...message })).toMatchObject({ ok: false, error: { code } });
    host.close();
  });

  it("asks for consent, and stops money when the device was away too long", async () => {
    const { ask, host } = hosted({ consents: async () => false, mayMoveMoney: false });
    expect(await ask({ id: 1, method: "user.profile", args: {} })).toMatchObject({
      error: { code: "consent_refused" },
    });
    expect(await ask({ id: 2, method: "pay", args: PAYMENT })).toMatchObject({ error: { code: "offline" } });
    host.close();
  });

  it("tells nothing of what went wrong inside", async () => {
    const methods = { "user.tier": () => Promise.reject(new Error("secret")) } as unknown as Methods;
    const { ask, host } = hosted({ methods });
    const answer = await ask({ id: 1, method: "user.tier", args: {} });
    expect(answer).toMatchObject({ error: { code: "failed" } });
    expect(JSON.stringify(answer)).not.toContain("secret");
    host.close();
  });

  it("bounds the calls that wait, and the rate of all", async () => {
    const { ask, port2, host } = hosted();
    for (let id = 0; id < MAX_PENDING; id++) port2.postMessage({ id, method: "location", args: {} });
    expect(await ask({ id: 99, method: "user.tier", args: {} })).toMatchObject({ error: { code: "too_many_calls" } });
    host.close();
  });

  it("has one code for a flood under invented names, which nobody reports", async () => {
    const codes: (string | null)[] = [];
    const { port2, host } = hosted({ onCall: (_, code) => void codes.push(code) });
    for (let id = 0; id < 300; id++) port2.postMessage({ id, method: `invented${id}`, args: {} });
    await vi.waitFor(() => expect(codes).toHaveLength(300));
    expect(new Set(codes)).toEqual(new Set(["not_available"]));
    host.close();
  });

  it("ignores what is no message, and takes notes", async () => {
    const { ask, port2, notes, host } = hosted();
    for (const message of [null, 1, "x", [], { id: "1", method: "pay" }, { note: "nonsense" }])
      port2.postMessage(message);
    port2.postMessage({ note: "boot", milliseconds: 5 });
    await ask({ id: 1, method: "user.tier", args: {} });
    expect(notes).toEqual([{ note: "boot", milliseconds: 5 }]);
    host.close();
  });
});

describe("the client", () => {
  it("queues until it is connected, and tells the host's refusals as errors with a code", async () => {
    const client = new BridgeClient();
    const api = makeApi(client);
    const tier = api.user.tier();
    const picture = api.camera();
    const { port1, port2 } = new MessageChannel();
    const host = new BridgeHost(port1, {
      permissions: { bridge: ["user.tier"], network: [], webview: [] },
      methods: { "user.tier": async () => ({ tier: "full" }) } as unknown as Methods,
      mayMoveMoney: true,
      consents: async () => true,
      onNote: () => undefined,
      onCall: () => undefined,
      now: () => 0,
    });
    client.connect(port2);
    expect(await tier).toBe("full");
    await expect(picture).rejects.toMatchObject({ name: "BridgeError", code: "permission_denied" });
    host.close();
  });

  it("tells `launch` to listeners that come late, and later themes in order", async () => {
    const client = new BridgeClient();
    const api = makeApi(client);
    const { port1, port2 } = new MessageChannel();
    client.connect(port2);
    port1.postMessage({
      welcome: { app: "a", theme: { scheme: "light", fontScale: 1 }, language: "zh", params: 1, debug: false },
    });
    port1.postMessage({ event: "launch", data: { params: 1 } });
    expect(await api.theme()).toEqual({ scheme: "light", fontScale: 1 });
    const launched = vi.fn();
    api.on("launch", launched);
    await vi.waitFor(() => expect(launched).toHaveBeenCalledWith({ params: 1 }));
    port1.postMessage({ event: "theme", data: { scheme: "dark", fontScale: 2 } });
    await vi.waitFor(async () => expect(await api.theme()).toEqual({ scheme: "dark", fontScale: 2 }));
    port1.close();
  });

  it("cannot be bent", () => {
    const api = makeApi(new BridgeClient());
    expect(() => Object.assign(api.storage, { get: () => 1 })).toThrow();
  });
});
