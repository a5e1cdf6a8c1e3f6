/**
 * Hotfixes (docs/protocols/hotfix.md): signed changes to the files of one published version, and the index that a stack of
 * them gives. What is signed is the result, so a device carries out no operations. Pure.
 */

import {
  byCodePoint,
  canonicalJson,
  isInteger,
  isList,
  isObject,
  type Json,
  type JsonObject,
  parseCanonical,
} from "./canonical";
import { killedEntry, MAX_STACK } from "./control";
import { isDigest } from "./digest";
import { laidOut, MAX_ARCHIVE_BYTES, type UnplacedFile } from "./package-index";
import { brokenClashRule, brokenPathRule } from "./paths";
import { demand, Refused } from "./refused";
import { hotfixKey, isAppId } from "./roles";
import type { AppRole, Control, OfferedStack, PackageIndex, SignedHotfix, SignedVersion } from "./types";

export const MAX_HOTFIX_DOCUMENT = 128 * 1024;
export const MAX_HOTFIX_CONTENT = 16 * 1024 * 1024;
const FORMAT = "sampan-hotfix/1";
const MANIFEST = "manifest.json";
const MAX_NUMBER = 9_999;
const MAX_CHANGES = 64;
const MAX_FILES = 65_534;
const MAX_APP_ID = 128;

/** A file as it was; digests are bare hex as in the index. */
interface FileState {
  readonly sha256: string;
  readonly size: number;
}

interface NewState extends FileState {
  readonly sm3: string;
}

/** One file: `before` is null when it is added, `after` is null when it is taken away. */
export interface Change {
  readonly path: string;
  readonly before: FileState | null;
  readonly after: NewState | null;
}

/** `hotfix-<n>.json`, member for member: `base` is the version's package digest, `on` the hotfixes that it was made on. */
export interface Hotfix {
  readonly format: typeof FORMAT;
  readonly app: string;
  readonly sequence: number;
  readonly base: string;
  readonly n: number;
  readonly on: readonly number[];
  readonly changes: readonly Change[];
}

/** Read a document; throw `hotfix_malformed` or `hotfix_manifest` unless it is exactly of the documented form. */
export function parseHotfix(data: Uint8Array): Hotfix {
  rule(data.length <= MAX_HOTFIX_DOCUMENT, `it has more than ${MAX_HOTFIX_DOCUMENT} bytes`);
  const value = canonical(data);
  const names = ["app", "base", "changes", "format", "n", "on", "sequence"];
  rule(isObject(value) && hasMembers(value, names), "its members are not the documented ones");
  const { app, base, changes, format, n, on, sequence } = value;
  rule(format === FORMAT, `format must be ${FORMAT}`);
  rule(typeof app === "string" && app.length <= MAX_APP_ID && isAppId(app), "app must be an app id");
  rule(isInteger(sequence) && sequence >= 1, "sequence must be a positive integer");
  rule(isDigest(base), "base must be sha256:<hex>");
  rule(isInteger(n) && n >= 1 && n <= MAX_NUMBER, `n must be from 1 to ${MAX_NUMBER}`);
  const isLower = (each: Json): boolean => isInteger(each) && each >= 1 && each < n;
  rule(isList(on) && on.length < MAX_STACK && on.every(isLower), "on must be lower numbers");
  rule(
    isRising(on as readonly number[], (one, other) => one - other),
    "on must rise",
  );
  checkChanges(changes);
  const hotfix = value as unknown as Hotfix;
  rule(contentSize(hotfix) <= MAX_HOTFIX_CONTENT, `its files have more than ${MAX_HOTFIX_CONTENT} bytes`);
  return hotfix;
}

/** Return the size of `hotfix-<n>.bin`. */
export const contentSize = ({ changes }: Hotfix): number =>
  changes.reduce((sum, each) => sum + (each.after?.size ?? 0), 0);

/**
 * Return the canonical index of a version with a stack of hotfixes on it. `baseDigest` is that of the version's index,
 * `archiveSha256` that of the archive that results, which follows from the files. Throws `hotfix_base_differs` or
 * `hotfix_malformed`.
 */
export function stackedIndex(
  base: PackageIndex,
  baseDigest: string,
  stack: readonly Hotfix[],
  archiveSha256: string,
): Uint8Array {
  const { files, size } = laidOut(stackedFiles(base, baseDigest, stack));
  rule(size < MAX_ARCHIVE_BYTES, "the result is too large");
  const index: PackageIndex = { ...base, archive: { size, sha256: archiveSha256 }, files };
  return canonicalJson(index as unknown as Json);
}

/** Return the files of a version with a stack of hotfixes, in the order of an archive; none of them changes nothing. Throws as `stackedIndex`. */
export function stackedFiles(base: PackageIndex, baseDigest: string, stack: readonly Hotfix[]): UnplacedFile[] {
  checkStack(base, baseDigest, stack);
  const files = new Map<string, UnplacedFile>(base.files.map(({ offset: _, ...file }) => [file.path, file]));
  for (const { changes, n } of stack) {
    for (const { path, before, after } of changes) {
      const told = `${path} is not what hotfix ${n} was made on.`;
      demand(isState(files.get(path) ?? null, before), "hotfix_base_differs", told);
      if (after === null) files.delete(path);
      else files.set(path, { path, size: after.size, sha256: after.sha256, sm3: after.sm3 });
    }
  }
  const paths = [...files.keys()];
  rule(paths.length <= MAX_FILES, "the result has too many files");
  rule(brokenClashRule(paths) === null, "the files that result do not go together");
  return [...files.values()].sort((one, other) => byCodePoint(one.path, other.path));
}

/**
 * Return the version and the hotfixes of `offered` when this stack may run, else throw. That the version is the one on this
 * device, and that they give the digest, is checked where they are applied. `failed` are digests of packages that did not
 * boot here.
 */
export function checkHotfix(
  offered: OfferedStack,
  role: AppRole,
  control: Control,
  failed: readonly string[] = [],
): { version: SignedVersion; hotfixes: SignedHotfix[] } {
  const { sequence, digest, patches } = offered;
  const what = `Version ${sequence} of ${role.app}`;
  const version = role.versions.get(sequence);
  const hotfixes = patches.flatMap((n) => role.hotfixes.get(hotfixKey(sequence, Number(n))) ?? []);
  if (version === undefined || patches.length === 0 || hotfixes.length < patches.length) {
    throw new Refused("hotfix_not_listed", `${what} has no such signed hotfixes.`);
  }
  const killed = killedEntry(control, sequence, digest) ?? killedEntry(control, sequence, version.indexDigest);
  if (killed) throw new Refused("install_killed", `${what} was withdrawn (${killed.code}).`, { why: killed.code });
  if (sequence < role.floor) {
    const told = `${what} is below the security floor ${role.floor}.`;
    throw new Refused("install_below_floor", told, { floor: role.floor });
  }
  demand(isStackListed(control, offered), "hotfix_not_listed", `${what} is not offered with these hotfixes.`);
  const told = `${what} with these hotfixes failed to start on this device before.`;
  demand(!failed.includes(digest), "install_failed_here", told);
  return { version, hotfixes };
}

/** Whether control lists exactly this stack with exactly this result. */
export function isStackListed(
  control: Control | null,
  { sequence, digest, patches = [] }: Partial<OfferedStack>,
): boolean {
  return (control?.stacks ?? []).some(
    (each) => each.sequence === sequence && each.digest === digest && each.patches.join() === patches.join(),
  );
}

function checkStack(base: PackageIndex, baseDigest: string, stack: readonly Hotfix[]): void {
  for (const { app, sequence, base: wanted, n } of stack) {
    const isItsBase = app === base.app && sequence === base.sequence && wanted === baseDigest;
    demand(isItsBase, "hotfix_base_differs", `Hotfix ${n} was made for another package than this of ${base.app}.`);
  }
  const numbers = stack.map((each) => each.n);
  const [last, on] = [numbers.at(-1), stack.at(-1)?.on ?? []];
  rule(numbers.length <= MAX_STACK, `a stack has at most ${MAX_STACK} of them`);
  rule(
    isRising(numbers, (one, other) => one - other),
    "a stack is in the order of its numbers",
  );
  rule(
    numbers.every((each) => each === last || on.includes(each)),
    "it was not made on the others of its stack",
  );
}

function checkChanges(changes: Json | undefined): asserts changes is readonly Json[] {
  const isSome = isList(changes) && changes.length >= 1 && changes.length <= MAX_CHANGES;
  rule(isSome, `it must change from 1 to ${MAX_CHANGES} files`);
  const paths = changes.map(pathOf);
  rule(isRising(paths, byCodePoint), "changes must be sorted by path, without doubles");
  const told = `A hotfix may not change ${MANIFEST}; it takes a version.`;
  demand(!paths.includes(MANIFEST), "hotfix_manifest", told);
}

/** Check one change, and return its path. */
function pathOf(change: Json): string {
  rule(isObject(change) && hasMembers(change, ["after", "before", "path"]), "a change has other members");
  const { path, before = null, after = null } = change;
  rule(typeof path === "string" && brokenPathRule(path) === null, "it names a path that no package may have");
  rule(before !== null || after !== null, `${path} is neither before nor after`);
  const isBefore = isObject(before) && hasMembers(before, ["sha256", "size"]) && isHex(before.sha256);
  rule(before === null || (isBefore && isSize(before.size)), `before of ${path} is malformed`);
  const isAfter = isObject(after) && hasMembers(after, ["sha256", "size", "sm3"]) && isHex(after.sha256);
  const isNew = isAfter && isHex(after.sm3) && isSize(after.size) && after.size <= MAX_HOTFIX_CONTENT;
  rule(after === null || isNew, `after of ${path} is malformed`);
  rule(!isBefore || !isAfter || before.sha256 !== after.sha256, `${path} is not changed`);
  return path;
}

function canonical(data: Uint8Array): Json {
  try {
    return parseCanonical(data);
  } catch {
    throw new Refused("hotfix_malformed", "The hotfix is no canonical JSON.");
  }
}

function isState(file: FileState | null, wanted: FileState | null): boolean {
  if (file === null || wanted === null) return file === wanted;
  return file.sha256 === wanted.sha256 && file.size === wanted.size;
}

function isRising<T>(items: readonly T[], compare: (one: T, other: T) => number): boolean {
  return items.every((item, at) => at === 0 || compare(items[at - 1] as T, item) < 0);
}

function hasMembers(value: JsonObject, names: readonly string[]): boolean {
  return Object.keys(value).sort().join() === names.join();
}

const isHex = (value: Json | undefined): boolean => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
const isSize = (value: Json | undefined): value is number => isInteger(value) && value >= 0;

function rule(isMet: boolean, reason: string): asserts isMet {
  demand(isMet, "hotfix_malformed", `The hotfix breaks a rule: ${reason}.`);
}
