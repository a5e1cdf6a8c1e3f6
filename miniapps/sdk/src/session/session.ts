/** The device's session (docs/protocols/session.md): begin, refresh, sign in and out; tokens are stored before use. */

import type { Exclusive } from "../store/locks";
import type { Store } from "../store/store";
import { isInteger, isObject, type Json } from "../trust/canonical";
import type { Clock } from "../trust/ports";
import { type Answer, type Calls, orProblem, ServerAway, ServerSaysNo } from "./calls";
import { DeviceKey } from "./device-key";
import { type Kept, keptOf, type Tier } from "./tokens";

const SESSION = "/client/v1/session";
const KEPT = "session/tokens";
const REFRESH_BEFORE_MS = 60_000;
const OLD_TOKEN = ["token_expired", "token_invalid", "session_revoked"];

export interface SessionOptions {
  readonly calls: Calls;
  readonly clientApp: string;
  readonly store: Store;
  /** One refresh at a time for one device, in all its tabs. */
  readonly exclusive: Exclusive;
  readonly nowMs: Clock;
  /**
   * Wipe what mini-apps stored: the customer is another one now, or none. Called before the new tokens are used, and
   * again at the next start when it did not come to its end.
   */
  readonly wipe?: (customer: string | null) => Promise<void>;
}

export class Session {
  private key: Promise<DeviceKey> | null = null;

  constructor(private readonly options: SessionOptions) {}

  /** Who is signed in, without the network; null before the first session. */
  async status(): Promise<{ device: string; customer: string | null; tier: Tier } | null> {
    const kept = await this.kept();
    return kept && { device: kept.device, customer: kept.customer, tier: kept.tier };
  }

  /**
   * Send a call with the access token, and once more with a new one when the server wants that. Throws `ServerAway` or
   * `ServerSaysNo`.
   */
  async call(method: string, path: string, body?: Json, headers: Record<string, string> = {}): Promise<Answer> {
    const send = (kept: Kept): Promise<Answer> =>
      this.options.calls.send(method, path, body, { authorization: `Bearer ${kept.accessToken}`, ...headers });
    const first = await this.ensure();
    const answer = await send(first);
    const isOld = answer.status === 401 && isObject(answer.body) && OLD_TOKEN.includes(String(answer.body.code));
    return orProblem(isOld ? await send(await this.renew(first)) : answer);
  }

  /** Return an access token that holds for another minute, for calls that this class does not make (streams). */
  async accessToken(): Promise<string> {
    return (await this.ensure()).accessToken;
  }

  /** Have a one-time code sent to a phone, in international form. Returns for how many seconds it holds. */
  async askCode(phone: string, lang?: string): Promise<number> {
    return this.alone(async () => {
      const kept = await this.ready();
      const { body } = await this.proven("POST", `${SESSION}/code`, lang ? { phone, lang } : { phone }, kept);
      return isObject(body) && isInteger(body.expires_in) ? body.expires_in : 0;
    });
  }

  /** Sign a customer in with the code. */
  async signIn(phone: string, code: string): Promise<void> {
    await this.alone(async () => {
      const kept = await this.ready();
      await this.remember(await this.proven("POST", `${SESSION}/customer`, { phone, code }, kept));
    });
  }

  /** Go on as a visitor. */
  async signOut(): Promise<void> {
    await this.alone(async () => {
      await this.remember(await this.proven("DELETE", SESSION, undefined, await this.ready()));
    });
  }

  /** In a demo: become a new device whose customer carries this tier in full. */
  async takeDemoToken(tier: Tier): Promise<void> {
    await this.alone(async () => {
      const { calls, clientApp, store } = this.options;
      const answer = orProblem(await calls.send("POST", "/client/v1/demo/token", { tier, client_app: clientApp }));
      const pem = isObject(answer.body) ? answer.body.device_key_pem : null;
      if (typeof pem !== "string") throw new ServerAway("answer_unreadable", "The demo sent no key.");
      const key = await DeviceKey.fromPem(pem);
      await key.keep(store);
      this.key = Promise.resolve(key);
      await this.remember(answer);
    });
  }

  private ensure(): Promise<Kept> {
    return this.alone(() => this.ready());
  }

  /** Have a newer token than `old`; another tab may have fetched it in the meantime. */
  private renew(old: Kept): Promise<Kept> {
    return this.alone(async () => {
      const kept = await this.kept();
      return kept !== null && kept.accessToken !== old.accessToken ? this.ready() : this.refresh(kept);
    });
  }

  private async ready(): Promise<Kept> {
    const kept = await this.kept();
    if (kept === null) return this.begin();
    if (this.options.nowMs() > kept.expiresMs - REFRESH_BEFORE_MS) return this.refresh(kept);
    return this.wiped(kept);
  }

  /** Begin a session as a visitor; a known key gets its device again. */
  private async begin(): Promise<Kept> {
    const { jwk } = await this.deviceKey();
    const body = { client_app: this.options.clientApp, device_keys: { signing: jwk } };
    return this.remember(await this.proven("POST", SESSION, body, null));
  }

  /**
   * Exchange the refresh token; begin anew when it is refused. A lost answer is asked for once more with the same
   * token: within a minute the server gives the same successor.
   */
  private async refresh(kept: Kept | null): Promise<Kept> {
    if (kept === null) return this.begin();
    const exchange = (): Promise<Answer> =>
      this.proven("POST", `${SESSION}/refresh`, { refresh_token: kept.refreshToken }, null);
    try {
      return await this.remember(await exchange().catch(onceMore(exchange)));
    } catch (problem) {
      if (problem instanceof ServerSaysNo && problem.code === "refresh_refused") return this.begin();
      throw problem;
    }
  }

  /** Send a call with a proof at the server's time; a stale proof is made once more with the time it was told. */
  private async proven(method: string, path: string, body: Json | undefined, signedIn: Kept | null): Promise<Answer> {
    const offsetMs = (await this.kept())?.offsetMs ?? 0;
    try {
      return await this.prove(method, path, body, signedIn, offsetMs);
    } catch (problem) {
      if (!(problem instanceof ServerSaysNo) || problem.code !== "proof_stale") throw problem;
      const { server_time_ms } = problem.facts;
      if (!isInteger(server_time_ms)) throw problem;
      return this.prove(method, path, body, signedIn, server_time_ms - this.options.nowMs());
    }
  }

  private async prove(
    method: string,
    path: string,
    body: Json | undefined,
    signedIn: Kept | null,
    offsetMs: number,
  ): Promise<Answer> {
    const { calls, nowMs } = this.options;
    const token = signedIn?.accessToken ?? null;
    const dpop = await (await this.deviceKey()).proof(method, calls.url(path), nowMs() + offsetMs, token);
    const bearing: Record<string, string> = token === null ? {} : { authorization: `DPoP ${token}` };
    return orProblem(await calls.send(method, path, body, { dpop, ...bearing }));
  }

  private async remember(answer: Answer): Promise<Kept> {
    const kept = keptOf(answer.body, await this.kept(), this.options.nowMs());
    await this.options.store.write([{ key: KEPT, value: kept }]);
    return this.wiped(kept);
  }

  private async wiped(kept: Kept): Promise<Kept> {
    if (!kept.isWipeDue) return kept;
    await this.options.wipe?.(kept.customer);
    const done = { ...kept, isWipeDue: false };
    await this.options.store.write([{ key: KEPT, value: done }]);
    return done;
  }

  private async kept(): Promise<Kept | null> {
    return ((await this.options.store.get(KEPT)) as Kept | undefined) ?? null;
  }

  private deviceKey(): Promise<DeviceKey> {
    this.key ??= DeviceKey.kept(this.options.store);
    return this.key;
  }

  private alone<T>(act: () => Promise<T>): Promise<T> {
    return this.options.exclusive("session", act);
  }
}

const onceMore =
  (act: () => Promise<Answer>) =>
  (problem: unknown): Promise<Answer> => {
    if (problem instanceof ServerAway) return act();
    throw problem;
  };
