import { beforeEach, describe, expect, it } from "vitest";
import { Calls, ServerAway, ServerSaysNo } from "../src/session/calls";
import type { PublicJwk } from "../src/session/device-key";
import { Session } from "../src/session/session";
import { memoryLocks } from "../src/store/locks";
import { MemoryStore } from "../src/store/memory";

const BASE = "https://bank.example/w/demo";
const START = 1_800_000_000_000;

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** A server that answers by the protocol; `plan` says otherwise for the next calls of a path. */
class FakeServer {
  readonly seen: Seen[] = [];
  readonly plan = new Map<string, (Response | "no answer" | "answer lost")[]>();
  nowMs = START;
  customer: string | null = null;
  private count = 0;
  readonly successors = new Map<string, Record<string, unknown>>();

  fetch: typeof fetch = async (url, init) => {
    const path = String(url).slice(BASE.length);
    const headers = new Headers(init?.headers);
    const body = init?.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : {};
    this.seen.push({ method: init?.method ?? "GET", path, headers, body });
    const planned = this.plan.get(path)?.shift();
    if (planned === "no answer") throw new TypeError("network");
    const answer = planned instanceof Response ? planned : this.answer(path, body);
    if (planned === "answer lost") throw new TypeError("network");
    return answer;
  };

  paths(): string[] {
    return this.seen.map((each) => each.path.replace("/client/v1", ""));
  }

  private answer(path: string, body: Record<string, unknown>): Response {
    if (!path.startsWith("/client/v1/session")) return Response.json({ ok: true });
    if (path.endsWith("/code")) return Response.json({ expires_in: 300 }, { status: 202 });
    if (path.endsWith("/customer")) this.customer = "cus_1";
    if (path.endsWith("/refresh")) {
      const old = String(body.refresh_token);
      const next = this.successors.get(old) ?? this.tokens();
      this.successors.set(old, next);
      return Response.json(next);
    }
    return Response.json(this.tokens(), { status: 201 });
  }

  tokens(): Record<string, unknown> {
    this.count += 1;
    return {
      device: "dev_1",
      customer: this.customer,
      tier: this.customer ? "registered" : "visitor",
      access_token: `access-${this.count}`,
      token_type: "Bearer",
      expires_in: 600,
      refresh_token: `refresh-${this.count}`,
      server_time_ms: this.nowMs,
    };
  }
}

const problem = (status: number, code: string, facts: object = {}, headers: Record<string, string> = {}): Response =>
  Response.json(
    { type: "about:blank", title: code, status, code, detail: `Do this: ${code}.`, ...facts },
    { status, headers },
  );

let server: FakeServer;
let store: MemoryStore;
let nowMs: number;
let wiped: (string | null)[];
let breakWipe: boolean;

function session(): Session {
  const wipe = async (customer: string | null): Promise<void> => {
    if (breakWipe) throw new Error("the tab was closed");
    wiped.push(customer);
  };
  const calls = new Calls(BASE, (...given) => server.fetch(...given));
  return new Session({ calls, clientApp: "retail", store, exclusive: memoryLocks(), nowMs: () => nowMs, wipe });
}

beforeEach(() => {
  server = new FakeServer();
  store = new MemoryStore();
  nowMs = START;
  wiped = [];
  breakWipe = false;
});

function claims(proof: string): { header: Record<string, unknown>; payload: Record<string, unknown> } {
  const [header = "", payload = ""] = proof.split(".");
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  return { header: read(header), payload: read(payload) };
}

async function isSignedBy(proof: string, jwk: PublicJwk): Promise<boolean> {
  const [header = "", payload = "", signature = ""] = proof.split(".");
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("jwk", jwk, curve, false, ["verify"]);
  const bytes = new Uint8Array(Buffer.from(signature, "base64url"));
  const signed = new TextEncoder().encode(`${header}.${payload}`);
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, bytes, signed);
}

describe("a session", () => {
  it("begins as a visitor and sends the token as Bearer", async () => {
    const mine = session();
    expect(await mine.status()).toBe(null);
    await mine.call("POST", "/client/v1/sync", {});
    expect(server.paths()).toEqual(["/session", "/sync"]);
    expect(server.seen[1]?.headers.get("authorization")).toBe("Bearer access-1");
    expect(server.seen[1]?.headers.get("dpop")).toBe(null);
    expect(await mine.status()).toEqual({ device: "dev_1", customer: null, tier: "visitor" });
  });

  it("proves the device's key on its own calls", async () => {
    const mine = session();
    await mine.askCode("+8613800000000", "zh");
    const [begun, code] = server.seen;
    const keys = begun?.body.device_keys ?? {};
    const { signing: jwk } = keys as { signing: PublicJwk };
    const { header, payload } = claims(code?.headers.get("dpop") ?? "");
    expect(header).toEqual({ typ: "dpop+jwt", alg: "ES256", jwk });
    const ath = Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("access-1"))).toString(
      "base64url",
    );
    expect(payload).toMatchObject({ htm: "POST", htu: `${BASE}/client/v1/session/code`, iat: START / 1000, ath });
    expect(await isSignedBy(code?.headers.get("dpop") ?? "", jwk)).toBe(true);
    expect(claims(begun?.headers.get("dpop") ?? "").payload.jti).not.toBe(payload.jti);
    expect(code?.headers.get("authorization")).toBe("DPoP access-1");
  });

  it("refreshes when less than a minute is left, once for all who wait", async () => {
    const mine = session();
    await mine.accessToken();
    nowMs += 540_001;
    const tokens = await Promise.all([mine.accessToken(), mine.accessToken(), mine.accessToken()]);
    expect(tokens).toEqual(["access-2", "access-2", "access-2"]);
    expect(server.paths()).toEqual(["/session", "/session/refresh"]);
  });

  it.each(["token_expired", "token_invalid", "session_revoked"])("sends a call once more after %s", async (code) => {
    const mine = session();
    server.plan.set("/client/v1/sync", [problem(401, code)]);
    expect((await mine.call("POST", "/client/v1/sync", {})).body).toEqual({ ok: true });
    expect(server.paths()).toEqual(["/session", "/sync", "/session/refresh", "/sync"]);
    server.plan.set("/client/v1/sync", [problem(401, code), problem(401, code)]);
    await expect(mine.call("POST", "/client/v1/sync", {})).rejects.toMatchObject({ code });
  });

  it("takes the token that another tab has fetched meanwhile", async () => {
    const [one, other] = [session(), session()];
    await one.accessToken();
    const usual = server.fetch;
    let calls = 0;
    server.fetch = async (url, init) => {
      if (!String(url).endsWith("/sync") || calls++ > 0) return usual(url, init);
      nowMs += 600_000;
      await other.accessToken();
      return problem(401, "token_expired");
    };
    await one.call("POST", "/client/v1/sync", {});
    expect(server.paths()).toEqual(["/session", "/session/refresh", "/sync"]);
    expect(server.seen.at(-1)?.headers.get("authorization")).toBe("Bearer access-2");
  });

  it("asks again with the same token when the answer of a refresh was lost", async () => {
    const mine = session();
    await mine.accessToken();
    nowMs += 600_000;
    server.plan.set("/client/v1/session/refresh", ["answer lost"]);
    expect(await mine.accessToken()).toBe("access-2");
    expect(server.seen.slice(1).map((each) => each.body.refresh_token)).toEqual(["refresh-1", "refresh-1"]);
  });

  it("keeps the refresh token when the server is away, and goes on with it after a restart", async () => {
    await session().accessToken();
    nowMs += 600_000;
    server.plan.set("/client/v1/session/refresh", ["no answer", "no answer"]);
    await expect(session().accessToken()).rejects.toBeInstanceOf(ServerAway);
    expect(await session().accessToken()).toBe("access-2");
  });

  it("begins anew when the refresh token is refused", async () => {
    const mine = session();
    await mine.accessToken();
    nowMs += 600_000;
    server.plan.set("/client/v1/session/refresh", [problem(401, "refresh_refused")]);
    expect(await mine.accessToken()).toBe("access-2");
    expect(server.paths()).toEqual(["/session", "/session/refresh", "/session"]);
  });

  it.each(["client_app_closed", "device_revoked"])("tells %s and keeps what it has", async (code) => {
    const mine = session();
    await mine.accessToken();
    nowMs += 600_000;
    server.plan.set("/client/v1/session/refresh", [problem(403, code)]);
    await expect(mine.accessToken()).rejects.toMatchObject({ status: 403, code });
    expect(await mine.accessToken()).toBe("access-2");
  });

  it("takes the time from a stale proof's answer", async () => {
    const mine = session();
    server.nowMs = START + 7_200_000;
    server.plan.set("/client/v1/session", [problem(401, "proof_stale", { server_time_ms: server.nowMs })]);
    await mine.accessToken();
    await mine.askCode("+8613800000000");
    const times = server.seen.map((each) => claims(each.headers.get("dpop") ?? "").payload.iat);
    expect(times).toEqual([START / 1000, START / 1000 + 7200, START / 1000 + 7200]);
  });

  it("tells a refusal by the server's code, with the wait it asks for", async () => {
    const mine = session();
    server.plan.set("/client/v1/session/code", [problem(429, "code_limit", {}, { "retry-after": "60" })]);
    const refusal = await mine.askCode("+8613800000000").catch((found: unknown) => found);
    expect(refusal).toBeInstanceOf(ServerSaysNo);
    expect(refusal).toMatchObject({ status: 429, code: "code_limit", retryAfterSeconds: 60 });
  });

  it("tells a proxy's page apart from the server's problem", async () => {
    const mine = session();
    server.plan.set("/client/v1/sync", [new Response("<html>", { status: 502 })]);
    await expect(mine.call("POST", "/client/v1/sync", {})).rejects.toMatchObject({
      status: 502,
      code: "foreign_answer",
    });
    server.plan.set("/client/v1/sync", [new Response("<html>", { status: 200 })]);
    await expect(mine.call("POST", "/client/v1/sync", {})).rejects.toMatchObject({ code: "answer_unreadable" });
  });
});

describe("a change of customer", () => {
  it("wipes what apps stored before the new tokens are used", async () => {
    const mine = session();
    await mine.signIn("+8613800000000", "123456");
    expect(wiped).toEqual(["cus_1"]);
    server.customer = null;
    await mine.signOut();
    expect(wiped).toEqual(["cus_1", null]);
    expect(await mine.status()).toEqual({ device: "dev_1", customer: null, tier: "visitor" });
  });

  it("wipes at the next start when it did not come to its end", async () => {
    const mine = session();
    await mine.accessToken();
    breakWipe = true;
    await expect(mine.signIn("+8613800000000", "123456")).rejects.toThrow("the tab was closed");
    await expect(session().accessToken()).rejects.toThrow("the tab was closed");
    breakWipe = false;
    await session().accessToken();
    await session().accessToken();
    expect(wiped).toEqual(["cus_1"]);
  });

  it("wipes when a refresh shows that the customer is signed out", async () => {
    const mine = session();
    await mine.signIn("+8613800000000", "123456");
    server.customer = null;
    nowMs += 600_000;
    await mine.accessToken();
    expect(wiped).toEqual(["cus_1", null]);
  });
});
