/** Bridge calls that the bank's server answers, in the customer's session. Problems become what an app may know of them. */

import { BridgeError } from "../bridge/errors";
import type { BridgeCode, FetchAnswer, FetchInit, Outcome, Payment, Signing } from "../bridge/protocol";
import { fromBase64, toBase64 } from "../origin/base64";
import { ServerAway, ServerSaysNo } from "../session/calls";
import type { Session } from "../session/session";
import { isInteger, isObject, type Json, type JsonObject } from "../trust/canonical";
import { sha256Hex } from "../trust/digest";
import type { BankServer } from "./ports";

export class SessionServer implements BankServer {
  constructor(private readonly session: Pick<Session, "call" | "status">) {}

  async login(app: string, sequence: number, scopes: readonly string[]): Promise<{ code: string; expires_in: number }> {
    const { code, expires_in } = await this.post(app, "login", { sequence, scopes: [...scopes] });
    return { code: String(code), expires_in: isInteger(expires_in) ? expires_in : 0 };
  }

  /** The tier as the bank knows it now; without a network as the last token said. */
  async tier(): Promise<string> {
    try {
      return String((await this.call("GET", "/client/v1/me")).tier);
    } catch (thrown) {
      if (!(thrown instanceof BridgeError) || thrown.code !== "offline") throw thrown;
      return (await this.session.status())?.tier ?? "visitor";
    }
  }

  profile(app: string, sequence: number): Promise<Readonly<Record<string, unknown>>> {
    return this.call("GET", `/client/v1/apps/${app}/profile?sequence=${sequence}`);
  }

  async fetch(app: string, sequence: number, url: string, init: FetchInit): Promise<FetchAnswer> {
    const bytes = typeof init.body === "string" ? new TextEncoder().encode(init.body) : init.body;
    const body = bytes === undefined ? {} : { body_base64: toBase64(bytes) };
    const method = init.method ?? "GET";
    const answer = await this.post(app, "fetch", { sequence, url, method, headers: { ...init.headers }, ...body });
    const { status, headers, body_base64 } = answer;
    return {
      status: isInteger(status) ? status : 502,
      headers: Object.fromEntries(Object.entries(isObject(headers) ? headers : {}).map(([n, v]) => [n, String(v)])),
      body: fromBase64(typeof body_base64 === "string" ? body_base64 : ""),
    };
  }

  async pay(app: string, sequence: number, payment: Payment): Promise<Outcome> {
    return this.once(app, "pay", payment.order, { sequence, ...payment, amount: { ...payment.amount } });
  }

  async sign(app: string, sequence: number, signing: Signing): Promise<Outcome> {
    return this.once(app, "sign", signing.order, { sequence, ...signing });
  }

  /** One order is one act, however often it is sent: the key is made of app, act and order. */
  private async once(app: string, act: string, order: string, body: JsonObject): Promise<Outcome> {
    const key = await sha256Hex(new TextEncoder().encode(`${app}\n${act}\n${order}`));
    const { status, reference } = await this.post(app, act, body, { "idempotency-key": key });
    return { status: String(status), reference: String(reference ?? "") };
  }

  private post(app: string, act: string, body: Json, headers: Record<string, string> = {}): Promise<JsonObject> {
    return this.call("POST", `/client/v1/apps/${app}/${act}`, body, headers);
  }

  private async call(
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ): Promise<JsonObject> {
    try {
      const answer = await this.session.call(method, path, body, headers);
      return isObject(answer.body) ? answer.body : {};
    } catch (thrown) {
      throw asBridgeError(thrown);
    }
  }
}

const CODES: Readonly<Record<number, BridgeCode>> = {
  401: "not_signed_in",
  403: "permission_denied",
  404: "not_available",
  413: "too_large",
  422: "bad_argument",
  429: "too_many_calls",
  501: "not_available",
  504: "timeout",
};

/** Return what an app is told of a server's problem. */
export function asBridgeError(thrown: unknown): BridgeError {
  if (thrown instanceof ServerAway) return new BridgeError("offline", "The bank's server cannot be reached now.");
  if (!(thrown instanceof ServerSaysNo)) return new BridgeError("failed", "The call failed; try again later.");
  if (thrown.code === "consent_refused") return new BridgeError("consent_refused", thrown.message);
  if (thrown.code === "customer_needed") return new BridgeError("not_signed_in", thrown.message);
  return new BridgeError(CODES[thrown.status] ?? "refused", `${thrown.message} (${thrown.code})`);
}
