/**
 * The content index of a package (docs/protocols/package.md, section 3). The digest of its bytes **is** the package
 * digest, so one that is not byte for byte what a packer would write is refused.
 */

import { byCodePoint, isInteger, isList, isObject, type Json, parseCanonical } from "./canonical";
import { isDigest } from "./digest";
import { brokenClashRule, brokenPathRule, isInnerPath } from "./paths";
import { demand, Refused } from "./refused";
import { isAppId } from "./roles";
import type { FileEntry, PackageIndex } from "./types";

export const MAX_INDEX_BYTES = 16 * 1024 * 1024;

const FORMAT = "sampan-package/1";
export const MAX_ARCHIVE_BYTES = 2 ** 31;
const MAX_APP_ID = 128;
const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
const END_BYTES = 22;

type Check = (value: Json | undefined) => boolean;

const isText: Check = (value) => typeof value === "string";
const isCount: Check = (value) => isInteger(value) && value >= 0;
const isHex: Check = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    isList(value) && value.every(check);
const shape =
  (members: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) &&
    Object.keys(value).length === Object.keys(members).length &&
    Object.entries(members).every(([name, check]) => Object.hasOwn(value, name) && check(value[name]));

const byDigest = shape({ id: isText, digest: isDigest });
const byRange = shape({ id: isText, min_sequence: isInteger, max_sequence: isInteger });

const isIndex = shape({
  format: (value) => value === FORMAT,
  app: (value) => typeof value === "string" && value.length <= MAX_APP_ID && isAppId(value),
  kind: (value) => value === "miniapp" || value === "shared",
  version: (value) => typeof value === "string" && /^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$/.test(value),
  sequence: (value) => isInteger(value) && value >= 1,
  min_host: isCount,
  permissions: shape({ bridge: listOf(isText), network: listOf(isText), webview: listOf(isText) }),
  dependencies: listOf((value) => byDigest(value) || byRange(value)),
  sub_packages: listOf(shape({ name: isText, root: isText, independent: (value) => typeof value === "boolean" })),
  pages: listOf((value) => typeof value === "string" && isInnerPath(value)),
  redirects: listOf(shape({ from: isText, to: isText })),
  archive: shape({ size: isCount, sha256: isHex }),
  files: listOf(shape({ path: isText, size: isCount, offset: isCount, sha256: isHex, sm3: isHex })),
});

/** Read an index; throw `index_not_canonical` or `index_invalid` unless it is the one a packer would write. */
export function parseIndex(data: Uint8Array): PackageIndex {
  const value = canonical(data);
  rule(isIndex(value), `a member is missing, unknown, or not of its form${wrongMember(value)}`);
  const index = value as unknown as PackageIndex;
  checkOrder(index);
  checkFiles(index);
  return index;
}

function canonical(data: Uint8Array): Json {
  try {
    return parseCanonical(data);
  } catch {
    throw new Refused("index_not_canonical", "The index is not canonical JSON.");
  }
}

/** The member that a person should look at. */
function wrongMember(value: Json): string {
  if (!isObject(value) || isIndex(value)) return "";
  const found = ["app", "version", "sequence", "pages", "files"].find((name) => !Object.hasOwn(value, name));
  return found === undefined ? "" : `: ${found}`;
}

function checkOrder(index: PackageIndex): void {
  const { bridge, network, webview } = index.permissions;
  for (const names of [bridge, network, webview]) rule(isRising(names), "permissions must be sorted, without doubles");
  rule(isRising(index.dependencies.map((each) => each.id)), "dependencies must be sorted by id");
  rule(isRising(index.sub_packages.map((each) => each.name)), "sub_packages must be sorted by name");
  rule(isRising(index.redirects.map((each) => each.from)), "redirects must be sorted by from");
}

function checkFiles(index: PackageIndex): void {
  const paths = index.files.map((file) => file.path);
  rule(isRising(paths), "files must be sorted by path, without doubles");
  for (const path of paths) {
    const broken = brokenPathRule(path);
    rule(broken === null, `${path.slice(0, 200)} may not be in a package (${broken})`);
  }
  const clash = brokenClashRule(paths);
  rule(clash === null, `two paths clash (${clash})`);
  checkLayout(index);
}

/** Every byte of the archive follows from the paths and sizes, so offsets that say otherwise describe another one. */
function checkLayout(index: PackageIndex): void {
  const { files, size } = laidOut(index.files);
  for (const [at, file] of index.files.entries()) {
    rule(file.offset === files[at]?.offset, `the offset of ${file.path} is wrong`);
  }
  rule(index.archive.size === size, "archive.size does not fit the files");
  rule(index.archive.size < MAX_ARCHIVE_BYTES, "the archive is too large");
}

/** A file of a package without its place in the archive. */
export type UnplacedFile = Omit<FileEntry, "offset">;

/** Return the files with their places in the archive, and how large it is. */
export function laidOut(files: readonly UnplacedFile[]): { files: FileEntry[]; size: number } {
  let position = 0;
  let directory = END_BYTES;
  const placed = files.map((file) => {
    const name = new TextEncoder().encode(file.path).length;
    const offset = position + LOCAL_HEADER_BYTES + name;
    position = offset + file.size;
    directory += CENTRAL_HEADER_BYTES + name;
    return { ...file, offset };
  });
  return { files: placed, size: position + directory };
}

/** Return the entry of a path, or null. */
export const fileOf = (index: PackageIndex, path: string): FileEntry | null =>
  index.files.find((file) => file.path === path) ?? null;

const isRising = (items: readonly string[]): boolean =>
  items.every((item, at) => at === 0 || byCodePoint(items[at - 1] ?? "", item) < 0);

function rule(isMet: boolean, reason: string): asserts isMet {
  demand(isMet, "index_invalid", `The index breaks the format: ${reason}.`);
}
