/** The pure rules, to be compared with those of the simulated device case by case. */

import { canonicalJson, type Json, olpcJson } from "../src/trust/canonical";
import { checkNotOlder, parseControl } from "../src/trust/control";
import { checkHotfix, parseHotfix, stackedIndex } from "../src/trust/hotfix";
import { checkInstall, checkOpen, mayRevert } from "../src/trust/install-rule";
import { parseIndex } from "../src/trust/package-index";
import { brokenClashRule, brokenPathRule } from "../src/trust/paths";
import { hotfixKey } from "../src/trust/roles";
import type { AppRole, Offered, OfferedStack, SignedHotfix, SignedVersion } from "../src/trust/types";

export interface RoleCase {
  readonly app: string;
  readonly versions: readonly SignedVersion[];
}

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
const base64 = (data: Uint8Array): string => Buffer.from(data).toString("base64");

function roleOf({ app, versions }: RoleCase): AppRole {
  const floor = Math.max(0, ...versions.map((each) => each.floor));
  const bySequence = new Map(versions.map((each) => [each.sequence, each]));
  return { app, tree: "demo/intl", metadataVersion: 3, expiresMs: 0, floor, versions: bySequence, hotfixes: new Map() };
}

export const control = (data: string, app: string): unknown => parseControl(bytes(data), app);

export function newer(app: string, next: string, seen: string): unknown {
  checkNotOlder(parseControl(bytes(next), app), next === seen, parseControl(bytes(seen), app));
  return "ok";
}

export const index = (data: string): unknown => parseIndex(bytes(data)).files.length;

export const path = (text: string): unknown => brokenPathRule(text);

export const clash = (paths: readonly string[]): unknown => brokenClashRule(paths);

export const spell = (value: Json): unknown => [base64(canonicalJson(value)), base64(olpcJson(value))];

export const hotfix = (data: string): unknown => parseHotfix(bytes(data));

export function stacked(base: string, baseDigest: string, documents: readonly string[], archive: string): unknown {
  const stack = documents.map((each) => parseHotfix(bytes(each)));
  return base64(stackedIndex(parseIndex(bytes(base)), baseDigest, stack, archive));
}

export interface StackCase {
  readonly role: RoleCase;
  readonly hotfixes: readonly SignedHotfix[];
  readonly control: string;
  readonly offered: OfferedStack;
  readonly failed: readonly string[];
}

export function stack(given: StackCase): unknown {
  const hotfixes = new Map(given.hotfixes.map((each) => [hotfixKey(each.sequence, each.n), each]));
  const role = { ...roleOf(given.role), hotfixes };
  const control = parseControl(bytes(given.control), role.app);
  return checkHotfix(given.offered, role, control, given.failed).hotfixes.map((each) => each.n);
}

export interface InstallCase {
  readonly role: RoleCase;
  readonly control: string;
  readonly offered: Offered;
  readonly highest: number;
  readonly failed: readonly string[];
}

export function install(given: InstallCase): unknown {
  const role = roleOf(given.role);
  checkInstall(given.offered, role, parseControl(bytes(given.control), role.app), given);
  return "ok";
}

export function revert(given: InstallCase): unknown {
  const role = roleOf(given.role);
  return mayRevert(given.offered, role, parseControl(bytes(given.control), role.app), given.highest);
}

export interface OpenCase {
  readonly role: RoleCase | null;
  readonly control: string | null;
  readonly installed: Offered | null;
  readonly isListed: boolean;
  readonly lastVerifiedMs: number;
  readonly nowMs: number;
  readonly app: string;
}

export function open(given: OpenCase): unknown {
  return checkOpen({
    ...given,
    role: given.role && roleOf(given.role),
    control: given.control === null ? null : parseControl(bytes(given.control), given.app),
  });
}
