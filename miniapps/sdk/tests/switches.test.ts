import { beforeEach, expect, test } from "vitest";
import { MemoryStore, ServerAway } from "../src/index";
import { Switches } from "../src/switches/switches";
import type { Json } from "../src/trust/canonical";

const APP = "bank.demo.coupons";
const MINE = { key: "mine", value: 1.5, variant: "high", reason: "STATIC", metadata: { apps: `bank.demo.a ${APP}` } };
const PUBLIC = { key: "public", value: { a: [1] }, variant: "x", reason: "STATIC", metadata: { apps: "*" } };
const THEIRS = { key: "theirs", value: true, variant: "on", reason: "STATIC", metadata: { apps: "bank.demo.other" } };
const NOBODYS = { key: "nobodys", value: true, variant: "on", reason: "STATIC" };

let asked: { path: string; body: unknown; headers: Record<string, string> }[];
let answer: { status: number; body: Json; etag: string } | null;
let nowMs: number;
let switches: Switches;
let store: MemoryStore;
let customer: string | null;
let meanwhile: (() => Promise<void>) | null;

function made(): Switches {
  const session = {
    status: async () => ({ device: "dev_1", customer, tier: "full" as const }),
    call: async (_method: string, path: string, body?: Json, headers: Record<string, string> = {}) => {
      asked.push({ path, body, headers });
      await meanwhile?.();
      if (answer === null) throw new ServerAway("server_away", "away");
      return { status: answer.status, body: answer.body, headers: new Headers({ etag: answer.etag }) };
    },
  };
  return new Switches({ session, store, profile: () => ({ platform: "web", lang: "zh" }), nowMs: () => nowMs });
}

beforeEach(() => {
  asked = [];
  nowMs = 1_000_000;
  store = new MemoryStore();
  customer = "cus_1";
  meanwhile = null;
  answer = { status: 200, body: { flags: [MINE, PUBLIC, THEIRS, NOBODYS] } as Json, etag: '"1"' };
  switches = made();
});

test("an app reads what is given to it or to all, and nothing else", async () => {
  await switches.follow("a");
  expect(await switches.read(APP, "mine")).toEqual({ value: 1.5, variant: "high", age_seconds: 0 });
  expect((await switches.read(APP, "public")).value).toEqual({ a: [1] });
  for (const key of ["theirs", "nobodys", "missing", "toString"]) {
    await expect(switches.read(APP, key)).rejects.toMatchObject({ code: "not_available" });
  }
  expect(asked).toHaveLength(1);
  expect(asked[0]?.body).toMatchObject({ context: { targetingKey: "dev_1", platform: "web", language: "zh" } });
});

test("they are asked for again when sync says something new, with the etag of the last answer", async () => {
  await switches.follow("a");
  await switches.follow("a");
  expect(asked).toHaveLength(1);
  answer = { status: 304, body: null, etag: '"1"' };
  await switches.follow("b");
  expect(asked[1]?.headers).toEqual({ "if-none-match": '"1"' });
  expect((await switches.read(APP, "mine")).value).toBe(1.5);
  answer = { status: 200, body: { flags: [{ ...MINE, value: 2 }] } as Json, etag: '"2"' };
  await switches.follow("c");
  expect((await switches.read(APP, "mine")).value).toBe(2);
  await expect(switches.read(APP, "public")).rejects.toMatchObject({ code: "not_available" });
});

test("without a network the last values known are told, with their age, also after a start", async () => {
  await switches.follow("a");
  answer = null;
  nowMs += 90_500;
  await expect(switches.follow("b")).rejects.toThrow();
  expect(await made().read(APP, "mine")).toEqual({ value: 1.5, variant: "high", age_seconds: 90 });
});

test("what sync says is still so is as fresh as that answer", async () => {
  await switches.follow("a");
  nowMs += 90_000;
  await switches.follow("a");
  expect((await switches.read(APP, "mine")).age_seconds).toBe(0);
});

test("who was never online is told so; the first question asks the server once", async () => {
  answer = null;
  await expect(switches.read(APP, "mine")).rejects.toMatchObject({ code: "offline" });
  answer = { status: 200, body: { flags: [MINE] } as Json, etag: '"1"' };
  asked = [];
  const both = await Promise.all([switches.read(APP, "mine"), switches.read(APP, "mine")]);
  expect(both.map(({ value }) => value)).toEqual([1.5, 1.5]);
  expect(asked).toHaveLength(1);
});

test("what one customer got is forgotten with them", async () => {
  await switches.follow("a");
  await switches.forget();
  answer = null;
  await expect(switches.read(APP, "mine")).rejects.toMatchObject({ code: "offline" });
});

test("what one customer got is told to nobody else, also when it comes after the next one signed in", async () => {
  meanwhile = async () => {
    meanwhile = null;
    customer = "cus_2";
    await switches.forget();
  };
  await switches.follow("a");
  answer = null;
  await expect(switches.read(APP, "mine")).rejects.toMatchObject({ code: "offline" });
  customer = "cus_1";
  expect((await switches.read(APP, "mine")).value).toBe(1.5);
});
