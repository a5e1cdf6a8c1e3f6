/** The names in a trust tree, and an app role read into versions (docs/protocols/trust.md). */

import { isInteger, isObject, metadataJson, parseJson, sameBytes } from "./canonical";
import type { Body, BodyOf, BodyType, TargetFile, Targets } from "./metadata";
import { readMetadata } from "./metadata";
import { demand, isRefused, Refused } from "./refused";
import { extra } from "./tuf-client";
import type { AppRole, SignedVersion } from "./types";

export const CONTROL_ROLE = "control";
export const APP_SIGNATURES = 2;

const APP_ID = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;
const SEQUENCE = /^[1-9][0-9]{0,15}$/;

/** Return the id; an id with a slash or a star would widen a path pattern. */
export function checkedAppId(app: string): string {
  demand(isAppId(app), "trust_malformed", `${JSON.stringify(app).slice(0, 100)} is no app id.`);
  return app;
}

export const isAppId = (text: string): boolean => APP_ID.test(text);
export const treeId = (workspace: string, profile: string): string => `${workspace}/${profile}`;
export const appRole = (app: string): string => `app.${checkedAppId(app)}`;
export const appPaths = (app: string): string[] => [`apps/${checkedAppId(app)}/*/*`];
export const indexPath = (app: string, sequence: number): string => `apps/${app}/${sequence}/index.json`;
export const packagePath = (app: string, sequence: number): string => `apps/${app}/${sequence}/package.ma`;
export const controlPath = (app: string): string => `control/${checkedAppId(app)}.json`;

/** Return where a target's bytes are served, below the tree: the digest stands in the name. */
export function servedPath(path: string, digest: string): string {
  const cut = path.lastIndexOf("/") + 1;
  return `targets/${path.slice(0, cut)}${digest.slice(digest.indexOf(":") + 1)}.${path.slice(cut)}`;
}

/** Read a body whose file must be in our one spelling, without verifying it; throw `trust_malformed`. */
export function readSpelled<T extends BodyType>(data: Uint8Array, type: T): BodyOf<T> {
  demand(isSpelled(data), "trust_malformed", "The metadata is not in its one spelling: sorted keys, no spaces.");
  try {
    return readMetadata(data, type).body;
  } catch (problem) {
    if (!isRefused(problem)) throw problem;
    throw new Refused("trust_malformed", problem.message);
  }
}

function isSpelled(data: Uint8Array): boolean {
  try {
    const value = parseJson(data);
    const isEnvelope = isObject(value) && Object.keys(value).sort().join() === "signatures,signed";
    return isEnvelope && sameBytes(metadataJson(value), data);
  } catch {
    return false;
  }
}

/**
 * Throw `trust_role_mismatch` unless the body says that it is this role of this tree: TUF verifies keys, and one
 * publisher's key serves several apps.
 */
export function checkFields(body: Body, role: string, tree: string): void {
  const isOurs = extra(body, "x-sampan-role") === role && extra(body, "x-sampan-tree") === tree;
  demand(isOurs, "trust_role_mismatch", `The body is signed for another role or tree than ${role} of ${tree}.`);
}

/** Read a verified body into versions; throw `trust_role_mismatch` or `trust_malformed`. */
export function readAppRole(body: Targets, app: string, tree: string): AppRole {
  checkFields(body, appRole(app), tree);
  const pairs = new Map<number, Map<string, TargetFile>>();
  for (const [path, target] of body.targets) place(pairs, app, path, target);
  const versions = new Map<number, SignedVersion>();
  for (const [sequence, pair] of [...pairs].sort(([one], [other]) => one - other)) {
    versions.set(sequence, versionOf(app, sequence, pair));
  }
  const floor = Math.max(0, ...Array.from(versions.values(), (each) => each.floor));
  return { app, tree, metadataVersion: body.version, expiresMs: body.expiresMs, floor, versions };
}

/** Put a target into its version; other file names and other apps' paths are left aside. */
function place(pairs: Map<number, Map<string, TargetFile>>, app: string, path: string, target: TargetFile): void {
  const prefix = `apps/${app}/`;
  const rest = path.slice(prefix.length);
  const cut = rest.indexOf("/");
  const name = rest.slice(cut + 1);
  if (!path.startsWith(prefix) || cut < 0 || (name !== "index.json" && name !== "package.ma")) return;
  const sequence = SEQUENCE.test(rest.slice(0, cut)) ? Number(rest.slice(0, cut)) : 0;
  demand(sequence >= 1 && isInteger(sequence), "trust_malformed", `A target of ${app} carries no sequence.`);
  const pair = pairs.get(sequence) ?? new Map<string, TargetFile>();
  pairs.set(sequence, pair.set(name, target));
}

function versionOf(app: string, sequence: number, pair: ReadonlyMap<string, TargetFile>): SignedVersion {
  const index = pair.get("index.json");
  const archive = pair.get("package.ma");
  const told = `${app} sequence ${sequence} lists one of its two targets only, or without a digest.`;
  demand(index !== undefined && archive !== undefined, "trust_malformed", told);
  const custom = isObject(index.custom) ? index.custom : {};
  const { "x-sampan-floor": floor, "x-sampan-version": version } = custom;
  const hasFloor = isInteger(floor) && floor >= 0 && floor <= sequence;
  const isTold = hasFloor && typeof version === "string";
  demand(isTold, "trust_malformed", `${app} sequence ${sequence} carries no version, or no floor up to its sequence.`);
  return {
    app,
    sequence,
    version,
    floor,
    indexDigest: digestIn(index),
    indexBytes: index.length,
    packageDigest: digestIn(archive),
    packageBytes: archive.length,
  };
}

function digestIn(target: TargetFile): string {
  const value = target.hashes.get("sha256") ?? "";
  demand(/^[0-9a-f]{64}$/.test(value), "trust_malformed", `${target.path} has no sha256 digest.`);
  return `sha256:${value}`;
}
