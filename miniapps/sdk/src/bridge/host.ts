/**
 * The shell's end of one document's port. It believes nothing of what comes in: shape, size, rate, permission, consent
 * and arguments are checked here, against the shell's own copy of the signed manifest.
 */

import type { Permissions } from "../trust/types";
import { checkArgs } from "./arguments";
import { BridgeError, toCallError } from "./errors";
import { CALL_BURST, CALLS_PER_SECOND, MAX_PENDING, measure, NOTE_BURST, NOTES_PER_SECOND, RateGate } from "./limits";
import { isMethod, type Methods } from "./methods";
import { isNote } from "./notes";
import { isDeclared, isPermitted, movesMoney, needsConsent } from "./permissions";
import type { Answer, BridgeEvents, EventName, MethodName, Note, ToApp, Welcome } from "./protocol";

/** What the host needs of its surroundings. */
export interface HostOptions {
  readonly permissions: Permissions;
  readonly methods: Methods;
  readonly mayMoveMoney: boolean;
  /** Resolves whether the customer lets this app do that; asks when the customer has not decided. */
  readonly consents: (permission: string) => Promise<boolean>;
  readonly onPong?: () => void;
  readonly onNote: (note: Note) => void;
  /** A call that was used or refused, for the panel and for reports. */
  readonly onCall: (method: string, code: string | null) => void;
  readonly now: () => number;
}

export class BridgeHost {
  private readonly calls: RateGate;
  private readonly notes: RateGate;
  private pending = 0;
  private isClosed = false;

  constructor(
    private readonly port: MessagePort,
    private readonly options: HostOptions,
  ) {
    this.calls = new RateGate(CALLS_PER_SECOND, CALL_BURST, options.now());
    this.notes = new RateGate(NOTES_PER_SECOND, NOTE_BURST, options.now());
    port.onmessage = (event: MessageEvent<unknown>) => this.hear(event.data);
  }

  welcome(welcome: Welcome["welcome"]): void {
    this.say({ welcome });
  }

  emit<E extends EventName>(event: E, data: BridgeEvents[E]): void {
    this.say({ event, data });
  }

  /** Ask whether the page is alive; `onPong` tells its answer. */
  ping(): void {
    this.say({ ping: true });
  }

  /** Nothing is heard or said any more; answers that come later go nowhere. */
  close(): void {
    this.isClosed = true;
    this.port.onmessage = null;
    this.port.close();
  }

  private say(message: ToApp): void {
    if (!this.isClosed) this.port.postMessage(message);
  }

  private hear(message: unknown): void {
    if (typeof message !== "object" || message === null) return;
    if ("pong" in message) {
      if (this.notes.admits(this.options.now())) this.options.onPong?.();
      return;
    }
    if ("note" in message) {
      if (this.notes.admits(this.options.now()) && isNote(message)) this.options.onNote(message);
      return;
    }
    const { id, method, args } = message as { id?: unknown; method?: unknown; args?: unknown };
    if (typeof id !== "number" || typeof method !== "string") return;
    void this.answer(id, method.slice(0, 64), args);
  }

  private async answer(id: number, method: string, args: unknown): Promise<void> {
    this.pending += 1;
    try {
      const result = await this.run(method, args);
      this.tell(method, { id, ok: true, result });
    } catch (problem) {
      this.tell(method, { id, ok: false, error: toCallError(problem) });
    } finally {
      this.pending -= 1;
    }
  }

  private tell(method: string, answer: Answer): void {
    this.options.onCall(method, answer.ok ? null : answer.error.code);
    this.say(answer);
  }

  private async run(method: string, args: unknown): Promise<unknown> {
    const { permissions, methods, mayMoveMoney, now } = this.options;
    const isAdmitted = this.calls.admits(now());
    // First: a flood under invented names must not become as many reports as it has names.
    if (!isMethod(method)) throw new BridgeError("not_available", `There is no method ${method} in this shell.`);
    if (!isAdmitted || this.pending > MAX_PENDING) {
      throw new BridgeError(
        "too_many_calls",
        `At most ${CALLS_PER_SECOND} calls a second and ${MAX_PENDING} at a time.`,
      );
    }
    measure(args);
    const checked = checkArgs(method, args);
    if (!isPermitted(method, permissions)) {
      throw new BridgeError("permission_denied", `The manifest does not ask for ${method}; add it and publish anew.`);
    }
    this.checkDomain(method, checked);
    if (movesMoney(method) && !mayMoveMoney) {
      throw new BridgeError("offline", "This device was out of touch for too long; go online and open the app again.");
    }
    await this.checkConsent(method, checked);
    return methods[method](checked as never);
  }

  private checkDomain(method: MethodName, args: Readonly<Record<string, unknown>>): void {
    if (method !== "network.fetch") return;
    const url = absoluteUrl(String(args.url));
    if (!isDeclared(url, this.options.permissions.network)) {
      throw new BridgeError("permission_denied", `The manifest does not declare https://${url.host}.`);
    }
  }

  private async checkConsent(method: MethodName, args: Readonly<Record<string, unknown>>): Promise<void> {
    const scopes = method === "login" ? (args.scopes as readonly string[]).filter((scope) => scope !== "openid") : [];
    const asked = needsConsent(method) ? [method] : scopes.map((scope) => `login.${scope}`);
    for (const permission of asked) {
      if (!(await this.options.consents(permission))) {
        throw new BridgeError("consent_refused", `The customer does not allow ${permission} for this app.`);
      }
    }
  }
}

function absoluteUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new BridgeError("bad_argument", "`url` is no absolute address.");
  }
}
