/** One device without a server: what the attack tables drive. */

import { httpTree } from "../src/download/http";
import { metadataStore } from "../src/store/metadata";
import { PackageStore } from "../src/store/packages";
import { Device, type Hint } from "../src/sync/device";
import { verifyInstalled } from "../src/trust/offline";
import { TufTree } from "../src/trust/tree";
import { FolderStore } from "./folder-store";

/** Where a device keeps its things and what it was built with; `root` in base64. */
export interface Where {
  readonly folder: string;
  readonly url: string;
  readonly tree: string;
  readonly root: string;
  readonly nowMs: number;
}

const devices = new Map<string, Device>();
const rootOf = (where: Where): Uint8Array => new Uint8Array(Buffer.from(where.root, "base64"));

/** Return the device of a folder; as on a phone, it lives until it is restarted. */
function deviceOf(where: Where): Device {
  const known = devices.get(where.folder);
  if (known !== undefined) return known;
  const store = new FolderStore(where.folder);
  const source = httpTree(where.url);
  const options = { tree: where.tree, root: rootOf(where), fetchBytes: source.fetchBytes, store: metadataStore(store) };
  const made = new Device(new TufTree(options), new PackageStore(store), source, store);
  devices.set(where.folder, made);
  return made;
}

/** Forget what is not in the folder. */
export function restart(where: Where): void {
  devices.delete(where.folder);
}

/** Take in a catalogue and the tree; tell what was refused of single apps. */
export async function sync(where: Where, listed: readonly string[] | null): Promise<unknown> {
  const problems = await deviceOf(where).sync(where.nowMs, listed);
  return Object.fromEntries(Array.from(problems, ([app, problem]) => [app, problem.code]));
}

export async function apply(where: Where, hint: Hint): Promise<unknown> {
  return deviceOf(where).apply(hint);
}

/** Place a version without switching to it, or switch to the one that was placed. */
export async function prepare(where: Where, hint: Hint & { action: "install" }): Promise<unknown> {
  return deviceOf(where).prepare(hint);
}

export async function install(where: Where, app: string): Promise<unknown> {
  return deviceOf(where).install(app);
}

/** Open an app as a customer would, without a network, and return one file of it. */
export async function show(where: Where, app: string, path: string): Promise<unknown> {
  const { opened, opening } = await deviceOf(where).open(app, where.nowMs);
  return { text: new TextDecoder().decode(await opened.reader.read(path)), opening };
}

export async function booted(where: Where, app: string): Promise<void> {
  await deviceOf(where).booted(app);
}

export async function state(where: Where, app: string): Promise<unknown> {
  return deviceOf(where).packages.state(app);
}

export async function obeyedControl(where: Where, app: string): Promise<unknown> {
  return deviceOf(where).tree.obeyedControl(app);
}

/** Prove the installed version from the root, as a service worker does. */
export async function prove(where: Where, app: string): Promise<unknown> {
  const { installed, placed } = await deviceOf(where).packages.open(app);
  const { chain, index } = placed;
  const proof = { tree: where.tree, root: rootOf(where), chain, app, digest: installed.digest, index };
  return (await verifyInstalled(proof)).version.sequence;
}
