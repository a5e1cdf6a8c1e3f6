/**
 * Events on their way to the server (docs/protocols/events.md): numbered, written down before they are sent, kept until
 * they are taken. A number is never used for two events, whatever crashes when.
 */

import { ServerSaysNo } from "../session/calls";
import type { Session } from "../session/session";
import type { Exclusive } from "../store/locks";
import type { Store } from "../store/store";
import { isInteger, isList, isObject, type Json, type JsonObject } from "../trust/canonical";
import type { Clock } from "../trust/ports";

const EVENTS = "/client/v1/events";
const NEXT = "events/next";
const DROPPED = "events/dropped";
const QUEUE = "events/queue/";
const AT_ONCE = 500;
const MOST = 5_000;
const RETRY_SECONDS = 60;

export interface EventNames {
  readonly session?: string;
  readonly app?: string;
  readonly sequence?: number;
  readonly release?: string;
  readonly digest?: string;
  readonly ticket?: string;
  readonly message?: string;
  readonly campaign?: string;
}

/** An event as it is sent. */
export interface StoredEvent extends EventNames {
  readonly seq: number;
  readonly type: string;
  readonly at: number;
  readonly attrs: JsonObject;
}

/** An event that the server will not have; its number counts as taken. */
export interface RefusedEvent {
  readonly seq: number;
  readonly code: string;
}

export interface QueueOptions {
  readonly session: Pick<Session, "call">;
  readonly store: Store;
  readonly exclusive: Exclusive;
  readonly nowMs: Clock;
}

export class EventQueue {
  private retryAtMs = 0;

  constructor(private readonly options: QueueOptions) {}

  /** Number an event and keep it; the oldest gives way when there is no room, and is counted. */
  note(type: string, names: EventNames = {}, attrs: JsonObject = {}): Promise<number> {
    return this.alone("write", async () => {
      const { store, nowMs } = this.options;
      const found = await store.get(NEXT);
      const seq = isInteger(found) ? found : 1;
      const event: StoredEvent = { seq, type, at: nowMs(), ...names, attrs };
      const surplus = (await this.waiting()).slice(0, -(MOST - 1));
      const dropped = surplus.length > 0 ? [{ key: DROPPED, value: (await this.dropped()) + surplus.length }] : [];
      await store.write([
        { key: NEXT, value: seq + 1 },
        { key: keyOf(seq), value: event },
        ...surplus.map((key) => ({ key })),
        ...dropped,
      ]);
      return seq;
    });
  }

  /** How many events wait. */
  async size(): Promise<number> {
    return (await this.waiting()).length;
  }

  /** How many events were given up, for want of room or because the server cannot read them. */
  async dropped(): Promise<number> {
    const found = await this.options.store.get(DROPPED);
    return isInteger(found) ? found : 0;
  }

  /**
   * Send what waits, oldest first, unless the server asked to be left alone for a while. Returns what it will not have.
   * Throws `ServerAway` or `ServerSaysNo`, and keeps everything.
   */
  send(): Promise<RefusedEvent[]> {
    return this.alone("send", async () => {
      const refused: RefusedEvent[] = [];
      let most = AT_ONCE;
      while (this.options.nowMs() >= this.retryAtMs) {
        const keys = (await this.waiting()).slice(0, most);
        if (keys.length === 0) break;
        const isTaken = await this.sendBatch(keys, refused);
        if (isTaken === "nothing") break;
        most = isTaken === "bad" ? Math.ceil(keys.length / 2) : AT_ONCE;
      }
      return refused;
    });
  }

  private async sendBatch(keys: readonly string[], refused: RefusedEvent[]): Promise<"some" | "nothing" | "bad"> {
    const { session, store } = this.options;
    const batch = (await Promise.all(keys.map((key) => store.get(key)))) as StoredEvent[];
    try {
      const { body } = await session.call("POST", EVENTS, { batch: batch as unknown as Json });
      const answer = readAnswer(body);
      refused.push(...answer.refused);
      const taken = batch.filter((event) => !isMissing(event.seq, answer));
      await this.forget(taken.map((event) => keyOf(event.seq)));
      return taken.length > 0 ? "some" : "nothing";
    } catch (problem) {
      if (!(problem instanceof ServerSaysNo)) throw problem;
      if (problem.status !== 413 && problem.code !== "bad_events") {
        if (problem.status === 429 || problem.status === 503) this.wait(problem.retryAfterSeconds);
        throw problem;
      }
      if (keys.length === 1) await this.giveUp(keys); // it will never be taken, and would hold all later ones up
      return "bad";
    }
  }

  private wait(seconds: number | null): void {
    this.retryAtMs = this.options.nowMs() + (seconds ?? RETRY_SECONDS) * 1000;
  }

  private giveUp(keys: readonly string[]): Promise<void> {
    return this.alone("write", async () => {
      const value = (await this.dropped()) + keys.length;
      await this.options.store.write([{ key: DROPPED, value }, ...keys.map((key) => ({ key }))]);
    });
  }

  private forget(keys: readonly string[]): Promise<void> {
    return this.options.store.write(keys.map((key) => ({ key })));
  }

  private waiting(): Promise<string[]> {
    return this.options.store.keys(QUEUE);
  }

  private alone<T>(part: string, act: () => Promise<T>): Promise<T> {
    return this.options.exclusive(`events-${part}`, act);
  }
}

interface EventsAnswer {
  readonly through: number;
  readonly gaps: readonly (readonly [number, number])[];
  readonly refused: readonly RefusedEvent[];
}

/** Read the answer; one that is not the protocol's takes nothing. */
function readAnswer(body: Json): EventsAnswer {
  if (!isObject(body) || !isInteger(body.accepted_through)) return { through: 0, gaps: [[1, Infinity]], refused: [] };
  const gaps = (isList(body.gaps) ? body.gaps : []).flatMap((gap): [number, number][] =>
    isList(gap) && isInteger(gap[0]) && isInteger(gap[1]) ? [[gap[0], gap[1]]] : [],
  );
  const refused = (isList(body.refused) ? body.refused : []).flatMap((each) =>
    isObject(each) && isInteger(each.seq) ? [{ seq: each.seq, code: String(each.code) }] : [],
  );
  return { through: body.accepted_through, gaps, refused };
}

/** Everything of a batch is taken but what lies in a gap above the mark. */
const isMissing = (seq: number, { through, gaps }: EventsAnswer): boolean =>
  seq > through && gaps.some(([first, last]) => first <= seq && seq <= last);

/** Sixteen digits hold every number, so that keys sort as numbers do. */
const keyOf = (seq: number): string => QUEUE + String(seq).padStart(16, "0");
