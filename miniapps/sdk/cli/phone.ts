/** A whole device against a real server: session in memory, packages and events in a folder. */

import { httpTree } from "../src/download/http";
import { EventQueue } from "../src/events/queue";
import { Calls } from "../src/session/calls";
import { Session } from "../src/session/session";
import type { Tier } from "../src/session/tokens";
import { memoryLocks } from "../src/store/locks";
import { MemoryStore } from "../src/store/memory";
import { metadataStore } from "../src/store/metadata";
import { PackageStore } from "../src/store/packages";
import { Device } from "../src/sync/device";
import { SyncClient } from "../src/sync/sync-client";
import { Refused } from "../src/trust/refused";
import { TufTree } from "../src/trust/tree";
import { FolderStore } from "./folder-store";

export interface PhoneOptions {
  readonly folder: string;
  /** `http://127.0.0.1:PORT`. */
  readonly server: string;
  readonly workspace: string;
  readonly clientApp: string;
}

interface Phone {
  readonly session: Session;
  readonly device: Device;
  readonly events: EventQueue;
  readonly sync: SyncClient;
  readonly wiped: (string | null)[];
}

const phones = new Map<string, Promise<Phone>>();
const nowMs = (): number => Date.now();

function phoneOf(options: PhoneOptions): Promise<Phone> {
  const known = phones.get(options.folder) ?? made(options);
  phones.set(options.folder, known);
  return known;
}

async function made({ folder, server, workspace, clientApp }: PhoneOptions): Promise<Phone> {
  const store = new FolderStore(folder);
  const exclusive = memoryLocks();
  const treePath = `/trust/${workspace}/intl`;
  const source = httpTree(server + treePath);
  // A shell is built with the root; this one takes the first that it is shown.
  const root = await source.fetchBytes("metadata/1.root.json", 512_000);
  if (root === null) throw new Refused("trust_unreachable", "The tree has no root to start from.");
  const tree = new TufTree({
    tree: `${workspace}/intl`,
    root,
    fetchBytes: source.fetchBytes,
    store: metadataStore(store),
  });
  const device = new Device(tree, new PackageStore(store), source, store);
  const calls = new Calls(`${server}/w/${workspace}`);
  const wiped: (string | null)[] = [];
  const wipe = async (customer: string | null): Promise<void> => {
    wiped.push(customer);
  };
  const session = new Session({ calls, clientApp, store: new MemoryStore(), exclusive, nowMs, wipe });
  const events = new EventQueue({ session, store, exclusive, nowMs });
  const profile = () => ({ platform: "web", host_version: 1, lang: "zh" });
  const sync = new SyncClient({ clientApp, session, device, events, store, exclusive, profile, treePath, nowMs });
  return { session, device, events, sync, wiped };
}

/** Ask what this device should have, and carry it out. */
export const round = async (options: PhoneOptions): Promise<unknown> => (await phoneOf(options)).sync.run();

/** Open every installed app that is listed (a shared package is opened by nobody), read all of it, report that it runs. */
export async function openAll(options: PhoneOptions): Promise<unknown> {
  const { device, sync, events } = await phoneOf(options);
  const opened: Record<string, number> = {};
  for (const app of await device.packages.apps()) {
    if (!(await device.packages.isListed(app))) continue;
    const found = await device.open(app, nowMs());
    for (const file of found.opened.index.files) await found.opened.reader.read(file.path);
    await device.booted(app);
    const { sequence, digest } = found.opened.installed;
    await sync.deliveries.stage(app, "booted", digest);
    await events.note("app.opened", { app, sequence }, { milliseconds: 1 });
    opened[app] = found.opened.index.files.length;
  }
  return opened;
}

/** Send the events that wait; tell how many went, and what the server would not have. */
export async function report(options: PhoneOptions): Promise<unknown> {
  const { events } = await phoneOf(options);
  const before = await events.size();
  const refused = await events.send();
  return { sent: before - (await events.size()), refused };
}

export const catalogue = async (options: PhoneOptions): Promise<unknown> =>
  (await (await phoneOf(options)).sync.catalogue())?.items.map((item) => item.id) ?? null;

export async function status(options: PhoneOptions): Promise<unknown> {
  const { session, wiped } = await phoneOf(options);
  return { ...(await session.status()), wiped };
}

export async function becomeDemo(options: PhoneOptions, tier: Tier): Promise<void> {
  await (await phoneOf(options)).session.takeDemoToken(tier);
}

export const askCode = async (options: PhoneOptions, phone: string): Promise<unknown> =>
  (await phoneOf(options)).session.askCode(phone);

export async function signIn(options: PhoneOptions, phone: string, code: string): Promise<void> {
  await (await phoneOf(options)).session.signIn(phone, code);
}

export async function signOut(options: PhoneOptions): Promise<void> {
  await (await phoneOf(options)).session.signOut();
}
