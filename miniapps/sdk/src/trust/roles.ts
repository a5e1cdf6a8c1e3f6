/** The names in a trust tree, and an app role read into versions (docs/protocols/trust.md). */

import { isInteger, isObject, metadataJson, parseJson, sameBytes } from "./canonical";
import type { Body, BodyOf, BodyType, TargetFile, Targets } from "./metadata";
import { readMetadata } from "./metadata";
import { demand, isRefused, Refused } from "./refused";
import { extra } from "./tuf-client";
import type { AppRole, SignedHotfix, SignedVersion } from "./types";

export const CONTROL_ROLE = "control";
export const APP_SIGNATURES = 2;

const APP_ID = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;
const SEQUENCE = /^[1-9][0-9]{0,15}$/;
const HOTFIX = /^hotfix-([1-9][0-9]{0,3})\.(json|bin)$/;

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
/** The document of a hotfix (`json`), or the contents that it brings (`bin`). */
export const hotfixPath = (app: string, sequence: number, n: number, part: "json" | "bin"): string =>
  `apps/${app}/${sequence}/hotfix-${n}.${part}`;
/** Return the name of a hotfix in `AppRole.hotfixes`. */
export const hotfixKey = (sequence: number, n: number): string => `${sequence}/${n}`;
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

/** Read a verified body into versions and hotfixes; throw `trust_role_mismatch` or `trust_malformed`. */
export function readAppRole(body: Targets, app: string, tree: string): AppRole {
  checkFields(body, appRole(app), tree);
  const found = new Map<number, Map<string, TargetFile>>();
  for (const [path, target] of body.targets) place(found, app, path, target);
  const versions = new Map<number, SignedVersion>();
  const hotfixes = new Map<string, SignedHotfix>();
  for (const [sequence, files] of [...found].sort(([one], [other]) => one - other)) {
    if (files.has("index.json") || files.has("package.ma")) versions.set(sequence, versionOf(app, sequence, files));
    for (const n of hotfixesIn(files)) {
      const hotfix = hotfixOf(app, sequence, n, files);
      if (versions.has(sequence)) hotfixes.set(hotfixKey(sequence, n), hotfix);
    }
  }
  const floor = Math.max(0, ...Array.from(versions.values(), (each) => each.floor));
  return { app, tree, metadataVersion: body.version, expiresMs: body.expiresMs, floor, versions, hotfixes };
}

/** Put a target into its version; other file names and other apps' paths are left aside. */
function place(found: Map<number, Map<string, TargetFile>>, app: string, path: string, target: TargetFile): void {
  const prefix = `apps/${app}/`;
  const rest = path.slice(prefix.length);
  const cut = rest.indexOf("/");
  const name = rest.slice(cut + 1);
  const isOurs = name === "index.json" || name === "package.ma" || HOTFIX.test(name);
  if (!path.startsWith(prefix) || cut < 0 || !isOurs) return;
  const sequence = SEQUENCE.test(rest.slice(0, cut)) ? Number(rest.slice(0, cut)) : 0;
  demand(sequence >= 1 && isInteger(sequence), "trust_malformed", `A target of ${app} carries no sequence.`);
  const files = found.get(sequence) ?? new Map<string, TargetFile>();
  found.set(sequence, files.set(name, target));
}

function hotfixesIn(files: ReadonlyMap<string, TargetFile>): Set<number> {
  const numbers = Array.from(files.keys(), (name) => Number(HOTFIX.exec(name)?.[1] ?? 0));
  return new Set(numbers.filter((n) => n > 0).sort((one, other) => one - other));
}

function hotfixOf(app: string, sequence: number, n: number, files: ReadonlyMap<string, TargetFile>): SignedHotfix {
  const [document, content] = [files.get(`hotfix-${n}.json`), files.get(`hotfix-${n}.bin`)];
  const told = `Hotfix ${n} of ${app} sequence ${sequence} lists one of its two targets only.`;
  demand(document !== undefined && content !== undefined, "trust_malformed", told);
  return {
    app,
    sequence,
    n,
    documentDigest: digestIn(document),
    documentBytes: document.length,
    contentDigest: digestIn(content),
    contentBytes: content.length,
  };
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
