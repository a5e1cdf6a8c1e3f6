/** TUF metadata read into values (TUF 1.0.31, section 4). Nothing here is verified yet; throws `trust_refused`. */

import { isInteger, isList, isObject, type Json, type JsonObject, olpcJson, parseJson } from "./canonical";
import type { TufKey } from "./keys";
import { demand, Refused } from "./refused";

export interface RoleKeys {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

export interface DelegatedRole extends RoleKeys {
  readonly name: string;
  readonly terminating: boolean;
  readonly paths: readonly string[] | null;
  readonly hashPrefixes: readonly string[] | null;
}

/** Whoever says which keys sign a role. */
export interface Delegator {
  readonly keys: ReadonlyMap<string, TufKey>;
  readonly roles: ReadonlyMap<string, RoleKeys>;
}

export interface Delegations extends Delegator {
  readonly roles: ReadonlyMap<string, DelegatedRole>;
}

export interface FileInfo {
  readonly length: number | null;
  readonly hashes: ReadonlyMap<string, string> | null;
}

export interface MetaFile extends FileInfo {
  readonly version: number;
}

export interface TargetFile {
  readonly path: string;
  readonly length: number;
  readonly hashes: ReadonlyMap<string, string>;
  readonly custom: Json;
}

interface Common {
  readonly version: number;
  readonly expiresMs: number;
  /** The whole signed part, with the members that TUF does not know. */
  readonly signed: JsonObject;
}

export interface Root extends Common, Delegator {
  readonly type: "root";
  readonly isConsistent: boolean;
}

export interface Timestamp extends Common {
  readonly type: "timestamp";
  readonly snapshot: MetaFile;
}

export interface Snapshot extends Common {
  readonly type: "snapshot";
  readonly meta: ReadonlyMap<string, MetaFile>;
}

export interface Targets extends Common {
  readonly type: "targets";
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations: Delegations | null;
}

export type Body = Root | Timestamp | Snapshot | Targets;
export type BodyType = Body["type"];
export type BodyOf<T extends BodyType> = Extract<Body, { type: T }>;

export interface Metadata<B extends Body = Body> {
  readonly body: B;
  /** What the signatures are over. */
  readonly signedBytes: Uint8Array;
  /** Hex by key id. */
  readonly signatures: ReadonlyMap<string, string>;
}

const TOP_LEVEL = ["root", "timestamp", "snapshot", "targets"];

/** Read a metadata file of this type. */
export function readMetadata<T extends BodyType>(data: Uint8Array, type: T): Metadata<BodyOf<T>> {
  const { signed, signatures } = envelope(data);
  const found = signed._type;
  demand(found === type, "trust_refused", `Expected metadata of type ${type}, not ${String(found).slice(0, 40)}.`);
  return { body: bodyOf(signed, type), signedBytes: canonicalBytes(signed), signatures };
}

function envelope(data: Uint8Array): { signed: JsonObject; signatures: Map<string, string> } {
  const value = parsed(data);
  demand(isObject(value) && isObject(value.signed), "trust_refused", "The bytes are no TUF metadata.");
  const signatures = new Map<string, string>();
  for (const each of list(value, "signatures")) {
    demand(isObject(each), "trust_refused", "A signature is no object.");
    const keyid = text(each, "keyid");
    demand(!signatures.has(keyid), "trust_refused", "A key has signed twice.");
    signatures.set(keyid, text(each, "sig"));
  }
  return { signed: value.signed, signatures };
}

function parsed(data: Uint8Array): Json {
  try {
    return parseJson(data);
  } catch {
    throw new Refused("trust_refused", "The bytes are no JSON.");
  }
}

function canonicalBytes(signed: JsonObject): Uint8Array {
  try {
    return olpcJson(signed);
  } catch {
    throw new Refused("trust_refused", "The metadata holds a value without a canonical form.");
  }
}

function bodyOf<T extends BodyType>(signed: JsonObject, type: T): BodyOf<T> {
  const readers = { root: rootOf, timestamp: timestampOf, snapshot: snapshotOf, targets: targetsOf };
  return readers[type](signed) as BodyOf<T>;
}

function common(signed: JsonObject): Common {
  const spec = text(signed, "spec_version");
  demand(/^1\.\d+(\.\d+)?$/.test(spec), "trust_refused", "The metadata is of another TUF specification.");
  return { version: positive(signed, "version"), expiresMs: moment(signed, "expires"), signed };
}

function rootOf(signed: JsonObject): Root {
  const roles = new Map(entries(signed, "roles").map(([name, role]) => [name, roleKeys(role)]));
  const isComplete = roles.size === TOP_LEVEL.length && TOP_LEVEL.every((name) => roles.has(name));
  demand(isComplete, "trust_refused", "The root does not name the four top-level roles.");
  const isConsistent = signed.consistent_snapshot === true;
  return { type: "root", ...common(signed), isConsistent, keys: keysOf(signed), roles };
}

function timestampOf(signed: JsonObject): Timestamp {
  const found = object(object(signed, "meta"), "snapshot.json");
  return { type: "timestamp", ...common(signed), snapshot: metaFile(found) };
}

function snapshotOf(signed: JsonObject): Snapshot {
  const meta = new Map(entries(signed, "meta").map(([name, file]) => [name, metaFile(file)]));
  return { type: "snapshot", ...common(signed), meta };
}

function targetsOf(signed: JsonObject): Targets {
  const targets = new Map(entries(signed, "targets").map(([path, file]) => [path, targetFile(path, file)]));
  const delegations = Object.hasOwn(signed, "delegations") ? delegationsOf(object(signed, "delegations")) : null;
  return { type: "targets", ...common(signed), targets, delegations };
}

function delegationsOf(value: JsonObject): Delegations {
  const roles = new Map<string, DelegatedRole>();
  for (const each of list(value, "roles")) {
    demand(isObject(each), "trust_refused", "A delegated role is no object.");
    const name = text(each, "name");
    const isFree = name !== "" && !TOP_LEVEL.includes(name) && !roles.has(name);
    demand(isFree, "trust_refused", "A delegated role has no name, a reserved one, or one that occurs twice.");
    roles.set(name, delegatedRole(name, each));
  }
  return { keys: keysOf(value), roles };
}

function delegatedRole(name: string, value: JsonObject): DelegatedRole {
  const paths = optionalTexts(value, "paths");
  const hashPrefixes = optionalTexts(value, "path_hash_prefixes");
  demand((paths === null) !== (hashPrefixes === null), "trust_refused", `${name} covers no paths, or by two rules.`);
  demand(typeof value.terminating === "boolean", "trust_refused", `${name} does not say whether it terminates.`);
  return { ...roleKeys(value), name, terminating: value.terminating, paths, hashPrefixes };
}

function roleKeys(value: JsonObject): RoleKeys {
  const keyids = texts(value, "keyids");
  demand(new Set(keyids).size === keyids.length, "trust_refused", "A role names a key twice.");
  return { keyids, threshold: positive(value, "threshold") };
}

function keysOf(value: JsonObject): Map<string, TufKey> {
  return new Map(
    entries(value, "keys").map(([id, key]) => {
      const found = object(key, "keyval").public;
      // A key of a kind that is not known here may look otherwise; it is listed, and never verifies.
      const value = typeof found === "string" ? found : "";
      return [id, { type: text(key, "keytype"), scheme: text(key, "scheme"), value }];
    }),
  );
}

function metaFile(value: JsonObject): MetaFile {
  const length = Object.hasOwn(value, "length") ? natural(value, "length") : null;
  const hashes = Object.hasOwn(value, "hashes") ? hashesOf(value) : null;
  return { version: positive(value, "version"), length, hashes };
}

function targetFile(path: string, value: JsonObject): TargetFile {
  return { path, length: natural(value, "length"), hashes: hashesOf(value), custom: value.custom ?? null };
}

function hashesOf(value: JsonObject): Map<string, string> {
  const holder = object(value, "hashes");
  const hashes = new Map(Object.keys(holder).map((name) => [name, text(holder, name)]));
  demand(hashes.size > 0, "trust_refused", "A file has no hashes.");
  return hashes;
}

function entries(holder: JsonObject, name: string): [string, JsonObject][] {
  const value = object(holder, name);
  return Object.keys(value).map((key) => [key, object(value, key)]);
}

function object(holder: JsonObject, name: string): JsonObject {
  const value = own(holder, name);
  demand(isObject(value), "trust_refused", `${name} is missing or no object.`);
  return value;
}

function list(holder: JsonObject, name: string): readonly Json[] {
  const value = own(holder, name);
  demand(isList(value), "trust_refused", `${name} is missing or no list.`);
  return value;
}

function text(holder: JsonObject, name: string): string {
  const value = own(holder, name);
  demand(typeof value === "string", "trust_refused", `${name} is missing or no text.`);
  return value;
}

function texts(holder: JsonObject, name: string): string[] {
  return list(holder, name).map((each) => {
    demand(typeof each === "string", "trust_refused", `${name} holds something that is no text.`);
    return each;
  });
}

const optionalTexts = (holder: JsonObject, name: string): string[] | null =>
  Object.hasOwn(holder, name) ? texts(holder, name) : null;

function natural(holder: JsonObject, name: string): number {
  const value = own(holder, name);
  demand(isInteger(value) && value >= 0, "trust_refused", `${name} is missing or no natural number.`);
  return value;
}

function positive(holder: JsonObject, name: string): number {
  const value = natural(holder, name);
  demand(value >= 1, "trust_refused", `${name} is below 1.`);
  return value;
}

function moment(holder: JsonObject, name: string): number {
  const value = text(holder, name);
  const found = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) ? Date.parse(value) : Number.NaN;
  demand(!Number.isNaN(found), "trust_refused", `${name} is no time.`);
  return found;
}

const own = (holder: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(holder, name) ? holder[name] : undefined;
