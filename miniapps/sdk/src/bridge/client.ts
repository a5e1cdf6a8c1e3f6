/** The app's end of the bridge: calls with promises, events with listeners. Queues until the port is there. */

import { BridgeError } from "./errors";
import type { ArgsOf, BridgeEvents, EventName, MethodName, Note, Pong, ResultOf, ToApp, Welcome } from "./protocol";

/** Calls that wait for a person or a bank have their own patience; the host gives up before. */
const CALL_TIMEOUT_MS = 30_000;
const SLOW: ReadonlySet<MethodName> = new Set<MethodName>([
  "login",
  "user.profile",
  "navigation.open",
  "share",
  "clipboard.read",
  "scan",
  "camera",
  "location",
  "pay",
  "sign",
]);

interface Pending {
  readonly resolve: (result: never) => void;
  readonly reject: (problem: BridgeError) => void;
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

type Listener<E extends EventName> = (data: BridgeEvents[E]) => void;

export class BridgeClient {
  private port: MessagePort | null = null;
  private readonly waiting: unknown[] = [];
  private readonly pending = new Map<number, Pending>();
  private readonly listeners = new Map<EventName, Set<Listener<EventName>>>();
  private readonly last = new Map<EventName, unknown>();
  private next = 1;
  private greet: (welcome: Welcome["welcome"]) => void = () => undefined;
  /** What the shell said first. */
  readonly welcome = new Promise<Welcome["welcome"]>((resolve) => {
    this.greet = resolve;
  });

  /** Use this port from now on; what was called meanwhile is sent. */
  connect(port: MessagePort): void {
    this.port = port;
    port.onmessage = (event: MessageEvent<ToApp>) => this.hear(event.data);
    for (const message of this.waiting.splice(0)) port.postMessage(message);
  }

  /** Call the shell. Rejects with a `BridgeError`. */
  call<M extends MethodName>(method: M, args: ArgsOf<M>): Promise<ResultOf<M>> {
    const id = this.next++;
    return new Promise<ResultOf<M>>((resolve, reject) => {
      const timer = SLOW.has(method) ? undefined : setTimeout(() => this.expire(id, method), CALL_TIMEOUT_MS);
      this.pending.set(id, { resolve: resolve as (result: never) => void, reject, timer });
      try {
        this.send({ id, method, args });
      } catch {
        this.settle(id)?.reject(new BridgeError("bad_argument", "The arguments cannot be sent: plain data only."));
      }
    });
  }

  /** Tell the shell something that needs no answer. */
  note(note: Note): void {
    this.send(note);
  }

  /** Listen to an event; returns a function that stops. `launch` and `show` that came before are told at once. */
  on<E extends EventName>(event: E, listener: Listener<E>): () => void {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known.add(listener as Listener<EventName>));
    if (this.last.has(event)) queueMicrotask(() => listener(this.last.get(event) as BridgeEvents[E]));
    return () => known.delete(listener as Listener<EventName>);
  }

  /** Tell listeners of this page about an event that arose in it. */
  emit<E extends EventName>(event: E, data: BridgeEvents[E]): void {
    for (const listener of this.listeners.get(event) ?? []) {
      try {
        listener(data);
      } catch (problem) {
        setTimeout(() => {
          throw problem;
        });
      }
    }
  }

  private send(message: unknown): void {
    if (this.port === null) this.waiting.push(message);
    else this.port.postMessage(message);
  }

  private hear(message: ToApp): void {
    if ("welcome" in message) {
      this.greet(message.welcome);
    } else if ("ping" in message) {
      this.port?.postMessage({ pong: true } satisfies Pong);
    } else if ("event" in message) {
      if (message.event === "launch" || message.event === "show") this.last.set(message.event, message.data);
      if (message.event === "hide") this.last.delete("show");
      this.emit(message.event, message.data);
    } else if (message.ok) {
      this.settle(message.id)?.resolve(message.result as never);
    } else {
      this.settle(message.id)?.reject(new BridgeError(message.error.code, message.error.message));
    }
  }

  private expire(id: number, method: MethodName): void {
    this.settle(id)?.reject(new BridgeError("timeout", `${method} got no answer in ${CALL_TIMEOUT_MS / 1000} s.`));
  }

  private settle(id: number): Pending | undefined {
    const found = this.pending.get(id);
    this.pending.delete(id);
    if (found?.timer !== undefined) clearTimeout(found.timer);
    return found;
  }
}
