import { describe, expect, it } from "vitest";
import { toHex } from "../src/trust/digest";
import { fromDer, rawKey, type TufKey, verifies } from "../src/trust/keys";

const DATA = new TextEncoder().encode("what is signed");
const pem = (spki: ArrayBuffer): string => {
  const body = btoa(String.fromCharCode(...new Uint8Array(spki)));
  return `-----BEGIN PUBLIC KEY-----\n${body.replace(/.{64}/g, "$&\n")}\n-----END PUBLIC KEY-----\n`;
};

/** Write r and s as ASN.1, as TUF signatures have them. */
function der(flat: Uint8Array): Uint8Array {
  const part = (bytes: Uint8Array): number[] => {
    const first = bytes.findIndex((byte) => byte !== 0);
    const plain = Array.from(bytes.subarray(first));
    const padded = (plain[0] ?? 0) >= 0x80 ? [0, ...plain] : plain;
    return [0x02, padded.length, ...padded];
  };
  const body = [...part(flat.subarray(0, 32)), ...part(flat.subarray(32))];
  return new Uint8Array([0x30, body.length, ...body]);
}

async function p256(): Promise<{ key: TufKey; sign: () => Promise<Uint8Array> }> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const value = pem(await crypto.subtle.exportKey("spki", pair.publicKey));
  const sign = async () =>
    new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, DATA));
  return { key: { type: "ecdsa", scheme: "ecdsa-sha2-nistp256", value }, sign };
}

describe("signatures", () => {
  it("verifies Ed25519", async () => {
    const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const raw = toHex(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
    const key: TufKey = { type: "ed25519", scheme: "ed25519", value: raw };
    const signature = toHex(new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, DATA)));
    expect(await verifies(key, signature, DATA)).toBe(true);
    expect(await verifies(key, signature, DATA.subarray(1))).toBe(false);
    expect(await verifies(key, signature.slice(2), DATA)).toBe(false);
    expect(await rawKey(key)).toBe(raw);
  });

  it("verifies P-256 in ASN.1, whatever zeros r and s begin with", async () => {
    const { key, sign } = await p256();
    for (let tries = 0; tries < 40; tries++) {
      expect(await verifies(key, toHex(der(await sign())), DATA)).toBe(true);
    }
  });

  it("refuses P-256 signatures that are no strict ASN.1", async () => {
    const { key, sign } = await p256();
    const flat = await sign();
    const good = der(flat);
    expect(await verifies(key, toHex(flat), DATA)).toBe(false);
    expect(await verifies(key, `${toHex(good)}00`, DATA)).toBe(false);
    const [length = 0] = good.subarray(3, 4);
    const padded = [0x30, good.length - 1, 0x02, length + 1, 0x00, ...good.subarray(4)];
    expect(fromDer(new Uint8Array(padded))).toBe(null);
  });

  it.each<[string, TufKey]>([
    ["RSA", { type: "rsa", scheme: "rsassa-pss-sha256", value: "-----BEGIN PUBLIC KEY-----" }],
    ["a known key under another scheme", { type: "ed25519", scheme: "ecdsa-sha2-nistp256", value: "00".repeat(32) }],
    ["half a key", { type: "ed25519", scheme: "ed25519", value: "00" }],
    ["SM2", { type: "sm2", scheme: "sm2-sm3", value: "00".repeat(64) }],
  ])("takes no %s", async (_name, key) => {
    expect(await rawKey(key)).toBe(null);
    expect(await verifies(key, "00", DATA)).toBe(false);
  });
});
