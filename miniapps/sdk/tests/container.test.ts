import { describe, expect, it } from "vitest";
import { AppStorage, MAX_KEYS } from "../src/container/app_storage";
import { asBridgeError, SessionServer } from "../src/container/bank_server";
import { Consents } from "../src/container/consents";
import { fits } from "../src/container/dependencies";
import { reportOf } from "../src/container/health_reports";
import { appOrigin, originLabel } from "../src/container/label";
import { leastRecentlyUsed, Usage } from "../src/container/usage";
import { ServerAway, ServerSaysNo } from "../src/session/calls";
import { MemoryStore } from "../src/store/memory";

describe("an app's origin", () => {
  it("has the label that the server computes", async () => {
    expect(await originLabel("demo", "bank.demo.coupons", "live")).toBe("ktd3zwpji6d3fnylt6ok");
    const origin = await appOrigin("http://{label}.apps.sampan.localhost:8080", "demo", "bank.demo.coupons", "live");
    expect(origin).toBe("http://ktd3zwpji6d3fnylt6ok.apps.sampan.localhost:8080");
  });
});

describe("an app's small values", () => {
  it("are its own, counted and bounded", async () => {
    const store = new MemoryStore();
    const mine = new AppStorage(store, "bank.demo.a");
    await mine.set("k", { a: 1 });
    expect(await mine.get("k")).toEqual({ a: 1 });
    expect(await new AppStorage(store, "bank.demo.b").get("k")).toBeUndefined();
    await expect(mine.set("big", "x".repeat(3_000_000))).rejects.toMatchObject({ code: "too_large" });
    for (let n = 1; n < MAX_KEYS; n++) await mine.set(`k${n}`, n);
    await expect(mine.set("one more", 1)).rejects.toMatchObject({ code: "too_large" });
    await mine.set("k", 2);
    expect((await mine.keys("k99")).sort()[0]).toBe("k99");
    await mine.clear();
    expect(await mine.keys("")).toEqual([]);
  });

  it("stay apart where one app's id begins another's", async () => {
    const store = new MemoryStore();
    await new AppStorage(store, "bank.demo.a2").set("k", 1);
    expect(await new AppStorage(store, "bank.demo.a").keys("")).toEqual([]);
  });
});

describe("making room", () => {
  it("lets the app go that was not opened for longest and is not in use", () => {
    const apps = [
      { app: "c", openedMs: 3 },
      { app: "b", openedMs: 1 },
      { app: "a", openedMs: 1 },
    ];
    expect(leastRecentlyUsed(apps, new Set())).toBe("a");
    expect(leastRecentlyUsed(apps, new Set(["a", "b"]))).toBe("c");
    expect(leastRecentlyUsed(apps, new Set(["a", "b", "c"]))).toBeNull();
  });

  it("remembers use, provision and what is still to be wiped", async () => {
    const usage = new Usage(new MemoryStore());
    await usage.opened("a", 5);
    await usage.setProvisioned("a", "sha256:x");
    await usage.markForWipe(["a"]);
    expect([await usage.openedMs("a"), await usage.provisioned("a"), await usage.isMarkedForWipe("a")]).toEqual([
      5,
      "sha256:x",
      true,
    ]);
    await usage.wiped("a");
    expect(await usage.isMarkedForWipe("a")).toBe(false);
  });
});

describe("dependencies", () => {
  it("fit by digest or by range", () => {
    const version = { sequence: 3, digest: "sha256:x" };
    expect(fits({ id: "k", digest: "sha256:x" }, version)).toBe(true);
    expect(fits({ id: "k", digest: "sha256:y" }, version)).toBe(false);
    expect(fits({ id: "k", min_sequence: 3, max_sequence: 4 }, version)).toBe(true);
    expect(fits({ id: "k", min_sequence: 4, max_sequence: 4 }, version)).toBe(false);
  });
});

describe("reports", () => {
  it("carry what the server stores, and nothing for what is only for the panel", () => {
    expect(reportOf({ note: "console", level: "log", text: "x" })).toBeNull();
    expect(reportOf({ note: "file_refused", code: "store_damaged", path: "a.js" })).toEqual({
      type: "trust.refused",
      attrs: { code: "store_damaged", detail: "a.js" },
    });
    const long = reportOf({ note: "resource_failed", kind: "img", path: "x".repeat(5_000) });
    expect(String(long?.attrs.path).length).toBeLessThanOrEqual(2_000);
  });
});

/** A session that remembers calls and answers with the next thing given. */
function session(...answers: unknown[]) {
  const calls: unknown[][] = [];
  return {
    calls,
    call: async (...args: unknown[]) => {
      calls.push(args);
      const next = answers.shift();
      if (next instanceof Error) throw next;
      return { status: 200, headers: new Headers(), body: next ?? null } as never;
    },
    status: async () => ({ device: "d", customer: null, tier: "full" as const }),
  };
}

describe("consents", () => {
  it("are asked for once, told to the server and kept", async () => {
    const asked: string[] = [];
    const [store, server] = [new MemoryStore(), session(null)];
    const consents = new Consents(store, server, async (app, permission) => asked.push(`${app} ${permission}`) > 0);
    expect(await Promise.all([consents.allows("a.b", "camera"), consents.allows("a.b", "camera")])).toEqual([
      true,
      true,
    ]);
    expect(await consents.allows("a.b", "camera")).toBe(true);
    expect(asked).toEqual(["a.b camera"]);
    expect(server.calls).toEqual([["PUT", "/client/v1/consents/a.b/camera"]]);
    await consents.withdraw("a.b", "camera");
    expect(server.calls[1]).toEqual(["DELETE", "/client/v1/consents/a.b/camera"]);
    await consents.allows("a.b", "camera");
    expect(asked).toHaveLength(2);
  });

  it("when refused are not asked for again in this page", async () => {
    let asked = 0;
    const consents = new Consents(new MemoryStore(), session(), async () => ++asked > 99);
    expect([await consents.allows("a.b", "scan"), await consents.allows("a.b", "scan")]).toEqual([false, false]);
    expect(asked).toBe(1);
    await consents.forget();
    await consents.allows("a.b", "scan");
    expect(asked).toBe(2);
  });

  it("hold on the device without a network, and follow the server after a sign-in", async () => {
    const server = session(new ServerAway("server_away", "x"), {
      consents: [{ app: "c.d", permission: "scan", granted_ms: 1 }],
    });
    const consents = new Consents(new MemoryStore(), server, async () => true);
    expect(await consents.allows("a.b", "camera")).toBe(true);
    await consents.refresh();
    const silent = new Consents(new MemoryStore(), session(), async () => false);
    expect(await silent.allows("c.d", "scan")).toBe(false);
    expect(await consents.allows("c.d", "scan")).toBe(true);
  });
});

describe("the bank's server", () => {
  it("is asked in the customer's session, bytes as base64", async () => {
    const server = session({ status: 201, headers: { a: "b" }, body_base64: "aGk=" });
    const answer = await new SessionServer(server).fetch("a.b", 3, "https://x.example/", {
      method: "POST",
      body: "hi",
    });
    expect(server.calls[0]?.slice(0, 3)).toEqual([
      "POST",
      "/client/v1/apps/a.b/fetch",
      { sequence: 3, url: "https://x.example/", method: "POST", headers: {}, body_base64: "aGk=" },
    ]);
    expect([answer.status, new TextDecoder().decode(answer.body)]).toEqual([201, "hi"]);
  });

  it("pays one order once, however often it is sent", async () => {
    const server = session({ status: "paid", reference: "r" }, { status: "paid", reference: "r" });
    const payment = { order: "7", title: "x", amount: { value_minor: 1, currency: "CNY" } };
    await new SessionServer(server).pay("a.b", 3, payment);
    await new SessionServer(server).pay("a.b", 3, payment);
    expect(server.calls[0]?.[3]).toEqual(server.calls[1]?.[3]);
  });

  it("tells apps a code of the bridge", () => {
    const no = (status: number, code: string) => new ServerSaysNo(status, code, "told", {}, null);
    expect(asBridgeError(new ServerAway("server_away", "x")).code).toBe("offline");
    expect(asBridgeError(no(403, "consent_refused")).code).toBe("consent_refused");
    expect(asBridgeError(no(401, "token_expired")).code).toBe("not_signed_in");
    expect(asBridgeError(no(409, "anything")).code).toBe("refused");
    expect(asBridgeError(new Error("secret")).message).not.toContain("secret");
  });
});
