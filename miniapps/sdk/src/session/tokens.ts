/** What is stored of a session, and the answer that it comes from. */

import { isInteger, isObject, type Json } from "../trust/canonical";
import { ServerAway } from "./calls";

export type Tier = "visitor" | "registered" | "e_account" | "full";

/** `offsetMs` is the server's clock minus ours; `expiresMs` is by our clock. */
export interface Kept {
  readonly device: string;
  readonly customer: string | null;
  readonly tier: Tier;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresMs: number;
  readonly offsetMs: number;
  /** The customer changed, and what mini-apps stored for the former one is not wiped yet. */
  readonly isWipeDue: boolean;
}

/** Read the tokens of an answer; `before` is what was kept. Throws `ServerAway`. */
export function keptOf(answer: Json, before: Kept | null, nowMs: number): Kept {
  if (!isObject(answer)) throw unreadable();
  const customer = answer.customer ?? null;
  const { device, tier, access_token, refresh_token, expires_in, server_time_ms } = answer;
  const isWhole =
    typeof device === "string" &&
    (customer === null || typeof customer === "string") &&
    isTier(tier) &&
    typeof access_token === "string" &&
    typeof refresh_token === "string" &&
    isInteger(expires_in);
  if (!isWhole) throw unreadable();
  return {
    device,
    customer,
    tier,
    accessToken: access_token,
    refreshToken: refresh_token,
    expiresMs: nowMs + expires_in * 1000,
    offsetMs: isInteger(server_time_ms) ? server_time_ms - nowMs : (before?.offsetMs ?? 0),
    isWipeDue: before !== null && (before.isWipeDue || before.customer !== customer),
  };
}

const isTier = (value: unknown): value is Tier =>
  value === "visitor" || value === "registered" || value === "e_account" || value === "full";

const unreadable = (): ServerAway => new ServerAway("answer_unreadable", "The session's answer is not the protocol's.");
