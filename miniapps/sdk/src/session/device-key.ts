/** The device's P-256 key and the proofs that it makes (RFC 9449; docs/protocols/session.md). */

import type { Store } from "../store/store";
import { isObject } from "../trust/canonical";
import { owned } from "../trust/digest";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const KEY = "session/key";
const ENCODER = new TextEncoder();

export interface PublicJwk {
  readonly [name: string]: string;
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
}

export class DeviceKey {
  constructor(
    private readonly privateKey: CryptoKey,
    readonly jwk: PublicJwk,
  ) {}

  /** Return the key of this installation, made at the first call. It cannot be read out, only used. */
  static async kept(store: Store): Promise<DeviceKey> {
    const found = (await store.get(KEY)) as { privateKey: CryptoKey; jwk: PublicJwk } | undefined;
    if (found !== undefined) return new DeviceKey(found.privateKey, found.jwk);
    const { privateKey, publicKey } = await crypto.subtle.generateKey(CURVE, false, ["sign"]);
    const made = new DeviceKey(privateKey, publicPart(await crypto.subtle.exportKey("jwk", publicKey)));
    await made.keep(store);
    return made;
  }

  /** Return the key in a PKCS#8 text, as `demo/token` sends it. */
  static async fromPem(pem: string): Promise<DeviceKey> {
    const body = pem.replace(/-----[A-Z ]+-----|\s/g, "");
    const bytes = Uint8Array.from(atob(body), (sign) => sign.charCodeAt(0));
    const readable = await crypto.subtle.importKey("pkcs8", bytes, CURVE, true, ["sign"]);
    const jwk = publicPart(await crypto.subtle.exportKey("jwk", readable));
    return new DeviceKey(await crypto.subtle.importKey("pkcs8", bytes, CURVE, false, ["sign"]), jwk);
  }

  async keep(store: Store): Promise<void> {
    await store.write([{ key: KEY, value: { privateKey: this.privateKey, jwk: this.jwk } }]);
  }

  /** Return a fresh proof for one call, at the server's time. */
  async proof(method: string, url: string, nowMs: number, accessToken: string | null): Promise<string> {
    const jti = base64url(crypto.getRandomValues(new Uint8Array(16)));
    const ath = accessToken === null ? {} : { ath: await sha256Base64url(accessToken) };
    const header = { typ: "dpop+jwt", alg: "ES256", jwk: this.jwk };
    const claims = { htm: method, htu: url, iat: nowMs / 1000, jti, ...ath };
    const signed = `${jsonPart(header)}.${jsonPart(claims)}`;
    const signature = await crypto.subtle.sign(SIGNING, this.privateKey, ENCODER.encode(signed));
    return `${signed}.${base64url(new Uint8Array(signature))}`;
  }
}

function publicPart(jwk: JsonWebKey): PublicJwk {
  if (!isObject(jwk) || typeof jwk.x !== "string" || typeof jwk.y !== "string") throw new TypeError("no P-256 key");
  return { kty: "EC", crv: "P-256", x: jwk.x, y: jwk.y };
}

const jsonPart = (value: unknown): string => base64url(ENCODER.encode(JSON.stringify(value)));

async function sha256Base64url(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", owned(ENCODER.encode(text)))));
}

function base64url(data: Uint8Array): string {
  const text = btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
