/** A small TUF repository that signs on the fly, with whatever mistakes a test wants in it. */

import { type Json, type JsonObject, olpcJson } from "../src/trust/canonical";
import { owned, sha256Hex, toHex } from "../src/trust/digest";
import type { FetchBytes, MetadataStore } from "../src/trust/ports";
import { TufClient } from "../src/trust/tuf-client";

export const NOW = Date.parse("2030-01-01T00:00:00Z");
export const LATER = "2031-01-01T00:00:00Z";
export const EARLIER = "2029-01-01T00:00:00Z";
const TOP = ["root", "timestamp", "snapshot", "targets"] as const;
type Top = (typeof TOP)[number];

export class Signer {
  private constructor(
    readonly id: string,
    readonly key: JsonObject,
    private readonly secret: CryptoKey,
  ) {}

  static async make(id?: string): Promise<Signer> {
    const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const raw = toHex(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
    const key = { keytype: "ed25519", scheme: "ed25519", keyval: { public: raw } };
    return new Signer(id ?? (await sha256Hex(olpcJson(key))), key, pair.privateKey);
  }

  /** The same key under another name. */
  as(id: string): Signer {
    return new Signer(id, this.key, this.secret);
  }

  async sign(signed: JsonObject): Promise<JsonObject> {
    const sig = await crypto.subtle.sign("Ed25519", this.secret, owned(olpcJson(signed)));
    return { keyid: this.id, sig: toHex(new Uint8Array(sig)) };
  }
}

export interface Delegation {
  readonly name: string;
  readonly signers: readonly Signer[];
  readonly paths?: readonly string[];
  readonly hashPrefixes?: readonly string[];
  readonly isTerminating?: boolean;
}

export const bytes = (value: Json): Uint8Array => new TextEncoder().encode(JSON.stringify(value, null, 1));

export async function signed(body: JsonObject, signers: readonly Signer[]): Promise<Uint8Array> {
  return bytes({ signatures: await Promise.all(signers.map((signer) => signer.sign(body))), signed: body });
}

export class Repository {
  readonly files = new Map<string, Uint8Array>();
  readonly signers = new Map<Top, Signer[]>();
  readonly thresholds = new Map<Top, number>();
  readonly versions = new Map<string, number>();
  readonly expires = new Map<string, string>();
  /** Extra members of `snapshot.json` in timestamp, and of roles in snapshot. */
  readonly metaExtras = new Map<string, JsonObject>();
  readonly requests: string[] = [];
  trusted: Uint8Array = new Uint8Array();

  static async make(): Promise<Repository> {
    const made = new Repository();
    for (const role of TOP) made.signers.set(role, [await Signer.make()]);
    made.trusted = await made.root();
    await made.targets("targets", {});
    await made.commit();
    return made;
  }

  /** Publish the next root; `by` signs it beside its own signers. */
  async root(by: readonly Signer[] = []): Promise<Uint8Array> {
    const all = TOP.flatMap((role) => this.signersOf(role));
    const roles = Object.fromEntries(
      TOP.map((role) => {
        const keyids = this.signersOf(role).map((signer) => signer.id);
        return [role, { keyids, threshold: this.thresholds.get(role) ?? 1 }];
      }),
    );
    const keys = Object.fromEntries(all.map((signer) => [signer.id, signer.key]));
    const body = { ...this.head("root", "root"), consistent_snapshot: true, keys, roles };
    const data = await signed(body, [...new Set([...by, ...this.signersOf("root")])]);
    this.files.set(`metadata/${this.versions.get("root")}.root.json`, data);
    return data;
  }

  /** Publish the next file of a targets role; `targets` are contents by path. */
  async targets(
    role: string,
    contents: Readonly<Record<string, string>>,
    delegations: readonly Delegation[] = [],
    signers: readonly Signer[] = this.signersOf("targets"),
  ): Promise<Uint8Array> {
    const targets: Record<string, Json> = {};
    for (const [path, content] of Object.entries(contents)) {
      const data = new TextEncoder().encode(content);
      targets[path] = { length: data.length, hashes: { sha256: await sha256Hex(data) } };
    }
    const body = { ...this.head(role, "targets"), targets, ...delegated(delegations) };
    const data = await signed(body, signers);
    this.files.set(`metadata/${this.versions.get(role)}.${encodeURIComponent(role)}.json`, data);
    return data;
  }

  /** Publish a snapshot of all roles, and its timestamp. */
  async commit(): Promise<void> {
    const meta: Record<string, Json> = {};
    for (const [role, version] of this.versions) {
      if (["root", "snapshot", "timestamp"].includes(role)) continue;
      meta[`${role}.json`] = { version, ...this.metaExtras.get(role) };
    }
    const data = await signed({ ...this.head("snapshot", "snapshot"), meta }, this.signersOf("snapshot"));
    this.files.set(`metadata/${this.versions.get("snapshot")}.snapshot.json`, data);
    await this.timestamp();
  }

  async timestamp(): Promise<void> {
    const version = this.versions.get("snapshot") ?? 1;
    const meta = { "snapshot.json": { version, ...this.metaExtras.get("snapshot") } };
    const body = { ...this.head("timestamp", "timestamp"), meta };
    this.files.set("metadata/timestamp.json", await signed(body, this.signersOf("timestamp")));
  }

  signersOf(role: Top): Signer[] {
    return this.signers.get(role) ?? [];
  }

  client(store: MetadataStore, nowMs = NOW): TufClient {
    const fetchBytes: FetchBytes = async (path) => {
      this.requests.push(path.replace("metadata/", ""));
      return this.files.get(path) ?? null;
    };
    return new TufClient(this.trusted, fetchBytes, store, nowMs);
  }

  private head(role: string, type: string): JsonObject {
    const version = (this.versions.get(role) ?? 0) + 1;
    this.versions.set(role, version);
    return { _type: type, spec_version: "1.0.31", version, expires: this.expires.get(role) ?? LATER };
  }
}

function delegated(delegations: readonly Delegation[]): JsonObject {
  if (delegations.length === 0) return {};
  const roles = delegations.map(({ name, signers, paths, hashPrefixes, isTerminating }) => ({
    name,
    keyids: signers.map((signer) => signer.id),
    threshold: signers.length,
    terminating: isTerminating ?? false,
    ...(paths ? { paths } : {}),
    ...(hashPrefixes ? { path_hash_prefixes: hashPrefixes } : {}),
  }));
  const keys = Object.fromEntries(delegations.flatMap((each) => each.signers.map((signer) => [signer.id, signer.key])));
  return { delegations: { keys, roles } };
}
