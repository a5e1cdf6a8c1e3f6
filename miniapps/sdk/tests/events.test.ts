import { beforeEach, describe, expect, it } from "vitest";
import { EventQueue, type StoredEvent } from "../src/events/queue";
import { type Answer, ServerAway, ServerSaysNo } from "../src/session/calls";
import { memoryLocks } from "../src/store/locks";
import { MemoryStore } from "../src/store/memory";
import type { Json } from "../src/trust/canonical";

let store: MemoryStore;
let nowMs: number;
let sent: number[][];
let answers: ((batch: StoredEvent[]) => Json)[];

/** A server that takes everything unless told otherwise. */
async function call(_method: string, _path: string, body?: Json): Promise<Answer> {
  const { batch } = body as unknown as { batch: StoredEvent[] };
  sent.push(batch.map((event) => event.seq));
  const answer = answers.shift()?.(batch) ?? taken(batch.at(-1)?.seq ?? 0);
  return { status: 200, headers: new Headers(), body: answer };
}

const taken = (through: number, gaps: [number, number][] = []): Json => ({
  accepted_through: through,
  gaps,
  refused: [],
});
const says =
  (status: number, code: string, seconds: number | null = null) =>
  (): Json => {
    throw new ServerSaysNo(status, code, "no", {}, seconds);
  };
const queue = () => new EventQueue({ session: { call }, store, exclusive: memoryLocks(), nowMs: () => nowMs });

beforeEach(() => {
  store = new MemoryStore();
  nowMs = 1_000;
  sent = [];
  answers = [];
});

async function noted(count: number): Promise<EventQueue> {
  const mine = queue();
  for (let at = 0; at < count; at++) await mine.note("app.opened", { app: "bank.demo.a", sequence: 1 }, { n: at });
  return mine;
}

describe("the queue of events", () => {
  it("numbers events for ever, also after a restart and when all are taken", async () => {
    await (await noted(2)).send();
    const again = queue();
    expect(await Promise.all([again.note("x"), again.note("y")])).toEqual([3, 4]);
    expect(await again.send()).toEqual([]);
    expect(sent).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await again.size()).toBe(0);
  });

  it("keeps what the server misses and forgets the rest", async () => {
    const mine = await noted(4);
    answers = [() => taken(1, [[2, 2]]), () => taken(1, [[2, 2]])];
    await mine.send();
    expect(sent).toEqual([[1, 2, 3, 4], [2]]);
    expect(await mine.size()).toBe(1);
    await mine.send();
    expect(await mine.size()).toBe(0);
  });

  it("takes no gap below the mark for one", async () => {
    const mine = await noted(3);
    answers = [() => taken(3, [[2, 2]])];
    await mine.send();
    expect(sent).toEqual([[1, 2, 3]]);
  });

  it("keeps everything without an answer, or with one that is not the protocol's", async () => {
    const mine = await noted(2);
    answers = [
      () => {
        throw new ServerAway("server_away", "no network");
      },
      () => ({ strange: true }),
    ];
    await expect(mine.send()).rejects.toBeInstanceOf(ServerAway);
    await mine.send();
    expect(await mine.size()).toBe(2);
  });

  it("comes back no earlier than the server asked for", async () => {
    const mine = await noted(1);
    answers = [says(503, "events_busy", 30)];
    await expect(mine.send()).rejects.toMatchObject({ code: "events_busy" });
    nowMs += 29_999;
    await mine.send();
    expect(sent.length).toBe(1);
    nowMs += 1;
    await mine.send();
    expect(await mine.size()).toBe(0);
  });

  it("finds the event that the server cannot read, and drops it alone", async () => {
    const mine = await noted(5);
    const refuse = (batch: StoredEvent[]): Json => {
      if (batch.some((event) => event.seq === 3)) throw new ServerSaysNo(422, "bad_events", "event 3", {}, null);
      return taken(batch.at(-1)?.seq ?? 0);
    };
    answers = Array.from({ length: 20 }, () => refuse);
    await mine.send();
    expect(await mine.size()).toBe(0);
    expect(await mine.dropped()).toBe(1);
    expect(sent.at(0)).toEqual([1, 2, 3, 4, 5]);
  });

  it("tells what the server will not have", async () => {
    const mine = await noted(1);
    answers = [() => ({ accepted_through: 1, gaps: [], refused: [{ seq: 1, code: "bad_ticket" }] })];
    expect(await mine.send()).toEqual([{ seq: 1, code: "bad_ticket" }]);
    expect(await mine.size()).toBe(0);
  });

  it("drops the oldest when there is no room, and counts them", async () => {
    const full = Array.from({ length: 5_000 }, (_, at) => ({
      key: `events/queue/${String(at + 1).padStart(16, "0")}`,
      value: { seq: at + 1, type: "x", at: 0, attrs: {} },
    }));
    await store.write([...full, { key: "events/next", value: 5_001 }]);
    const mine = queue();
    expect(await mine.note("y")).toBe(5_001);
    expect(await mine.size()).toBe(5_000);
    expect(await mine.dropped()).toBe(1);
    expect((await store.keys("events/queue/"))[0]).toBe("events/queue/0000000000000002");
  });

  it("sends at most 500 at once", async () => {
    await (await noted(501)).send();
    expect(sent.map((batch) => batch.length)).toEqual([500, 1]);
  });
});
