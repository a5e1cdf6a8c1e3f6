/** `control/<app>.json`: what may be offered, what is killed, what may go back (docs/protocols/trust.md, section 4). */

import { isInteger, isList, isObject, type Json, type JsonObject, parseCanonical } from "./canonical";
import { isDigest } from "./digest";
import { demand, Refused } from "./refused";
import { isAppId } from "./roles";
import type { Control, Killed, Rollback, Stack } from "./types";

export const MAX_CONTROL_BYTES = 256 * 1024;
const MAX_OFFLINE_DAYS = 3650;
/** Hotfixes on one version at a time. */
export const MAX_STACK = 32;

const ALWAYS = ["app", "killed", "offerable", "rollback", "serial", "stacks"];
const SOMETIMES = ["max_offline_days", "message"];

/** Read a control file of this app; throw `control_malformed` for any other form, member, app or spelling. */
export function parseControl(data: Uint8Array, app: string): Control {
  rule(data.length <= MAX_CONTROL_BYTES, `the file is larger than ${MAX_CONTROL_BYTES} bytes`);
  const value = canonical(data);
  rule(isObject(value) && hasMembers(value, ALWAYS, SOMETIMES), "its members are not the documented ones");
  const control = value as unknown as Control;
  checkHead(value);
  rule(isRising(value.offerable), "offerable must be sorted, without doubles");
  each(value.killed, ["code", "digest", "sequence"], (entry) => {
    rule(isSequence(entry.sequence) && isDigest(entry.digest), "a killed version has a sequence and a digest");
    rule(typeof entry.code === "string" && /^[a-z][a-z0-9_]{0,63}$/.test(entry.code), "a kill code is a word");
  });
  each(value.stacks, ["digest", "patches", "sequence"], (entry) => {
    rule(isSequence(entry.sequence) && isDigest(entry.digest), "a stack has a sequence and a digest");
    rule(isStack(entry.patches), "patches are the numbers of 1 to 32 hotfixes, rising");
  });
  each(value.rollback, ["digest", "from", "serial", "to"], (entry) => checkRollback(entry, control.serial));
  rule(control.app === app, `it is for another app than ${app}`);
  return control;
}

/** Throw `trust_rolled_back` for a lower serial than was seen, or another content under the same one. */
export function checkNotOlder(next: Control, isSame: boolean, seen: Control | null): void {
  if (seen === null) return;
  const order = compareSerials(next.serial, seen.serial);
  const told = `The control file of ${next.app} has serial ${next.serial}; ${seen.serial} was seen before.`;
  demand(order > 0 || (order === 0 && isSame), "trust_rolled_back", told);
}

/** Compare `<incarnation>.<n>`, incarnation first; throw `control_malformed` for any other spelling. */
export function compareSerials(one: string, other: string): number {
  const [a, b] = [serial(one), serial(other)];
  return a[0] - b[0] || a[1] - b[1];
}

/** Return the kill that hits this version, by its sequence or by its digest. */
export function killedEntry(control: Control, sequence: number, digest: string): Killed | null {
  return control.killed.find((each) => each.sequence === sequence || each.digest === digest) ?? null;
}

/** Whether an entry names exactly this pair of highest installed and offered version. */
export function allowsRollback(control: Control, highest: number, sequence: number, digest: string): boolean {
  return control.rollback.some((each) => each.from === highest && each.to === sequence && each.digest === digest);
}

function canonical(data: Uint8Array): Json {
  try {
    return parseCanonical(data);
  } catch {
    throw new Refused("control_malformed", "The control file is no canonical JSON.");
  }
}

function checkHead(value: JsonObject): void {
  rule(typeof value.app === "string" && isAppId(value.app), "app is no app id");
  rule(typeof value.serial === "string", "serial is no text");
  serial(value.serial);
  const days = value.max_offline_days;
  const isInRange = isInteger(days) && days >= 1 && days <= MAX_OFFLINE_DAYS;
  rule(!Object.hasOwn(value, "max_offline_days") || isInRange, `max_offline_days is 1 to ${MAX_OFFLINE_DAYS}`);
  rule(!Object.hasOwn(value, "message") || isMessage(value.message), "message is a text in zh and en");
}

function checkRollback(entry: JsonObject, fileSerial: string): void {
  const { from, to, digest, serial: own } = entry;
  const isWhole = isSequence(from) && isSequence(to) && isDigest(digest) && typeof own === "string";
  rule(isWhole, "a roll-back has two sequences, a digest and a serial");
  rule(to < from, "a roll-back goes to a lower sequence");
  rule(compareSerials(own, fileSerial) <= 0, "a roll-back entry is newer than its control file");
}

function isStack(patches: Json | undefined): boolean {
  if (!isList(patches) || patches.length < 1 || patches.length > MAX_STACK) return false;
  if (!patches.every((n) => typeof n === "string" && /^[1-9][0-9]{0,3}$/.test(n))) return false;
  return patches.every((n, place) => place === 0 || Number(patches[place - 1]) < Number(n));
}

function serial(text: string): [number, number] {
  const found = /^(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,14})$/.exec(text);
  rule(found !== null, "a serial is an incarnation, a dot, a number");
  return [Number(found[1]), Number(found[2])];
}

function each(value: Json | undefined, members: readonly string[], check: (entry: JsonObject) => void): void {
  rule(isList(value), "killed, stacks and rollback are lists");
  for (const entry of value) {
    rule(isObject(entry) && hasMembers(entry, members, []), "an entry's members are not the documented ones");
    check(entry);
  }
}

function hasMembers(value: JsonObject, always: readonly string[], sometimes: readonly string[]): boolean {
  const names = Object.keys(value);
  const isKnown = names.every((name) => always.includes(name) || sometimes.includes(name));
  return isKnown && always.every((name) => names.includes(name));
}

function isRising(value: Json | undefined): boolean {
  return (
    isList(value) && value.every((item, at) => isSequence(item) && (at === 0 || Number(value[at - 1]) < Number(item)))
  );
}

function isMessage(value: Json | undefined): boolean {
  return (
    isObject(value) &&
    hasMembers(value, ["en", "zh"], []) &&
    typeof value.en === "string" &&
    typeof value.zh === "string"
  );
}

const isSequence = (value: Json | undefined): value is number => isInteger(value) && value >= 1;

function rule(isMet: boolean, reason: string): asserts isMet {
  demand(isMet, "control_malformed", `The control file breaks a rule: ${reason}.`);
}

export type { Control, Killed, Rollback, Stack };
