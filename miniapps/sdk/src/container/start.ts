/** Puts a shell's parts together: store, session, tree, device, events, sync and container, as one object. */

import type { Theme } from "../bridge/protocol";
import { httpTree } from "../download/http";
import { EventQueue } from "../events/queue";
import { rootBytes } from "../origin/config";
import { Calls } from "../session/calls";
import { Session } from "../session/session";
import { IndexedDbStore } from "../store/indexed-db";
import { webLocks } from "../store/locks";
import { metadataStore } from "../store/metadata";
import { PackageStore } from "../store/packages";
import { Switches } from "../switches/switches";
import { browserFacts } from "../sync/browser_facts";
import { browserConnection, isFreeNetwork } from "../sync/client_rules";
import { Device } from "../sync/device";
import { type Profile, SyncClient } from "../sync/sync-client";
import { TufTree } from "../trust/tree";
import { SessionServer } from "./bank_server";
import { browserCapabilities } from "./capabilities";
import { type AskConsent, Consents } from "./consents";
import { Container } from "./container";
import type { Capabilities, ShellUi } from "./ports";

/** What `GET /client/v1/shell` says, as far as it matters here. Keep it: the shell starts without a network too. */
export interface ShellFacts {
  readonly workspace: string;
  readonly client_app: string;
  readonly apps_origin: string;
  /** `root` is the first root.json, as an object or as its text. */
  readonly trust: { readonly profile: string; readonly root: unknown };
}

export interface StartOptions {
  readonly facts: ShellFacts;
  readonly ui: ShellUi;
  readonly askConsent: AskConsent;
  readonly theme: Theme;
  readonly language: string;
  readonly profile: () => Profile;
  readonly capabilities?: Partial<Capabilities>;
  readonly isDebugging?: boolean;
  /** The server's address; the page's own when left out. */
  readonly base?: string;
  /** In place of the browser's `fetch` for calls of the session, so that a developer panel can list them. */
  readonly request?: typeof fetch;
}

/** A running shell's parts; use them as they are. */
export interface Sampan {
  readonly store: IndexedDbStore;
  readonly session: Session;
  readonly device: Device;
  readonly events: EventQueue;
  readonly sync: SyncClient;
  readonly consents: Consents;
  readonly switches: Switches;
  readonly container: Container;
}

/** Put the parts together. Nothing is sent and nothing opens yet. Throws `Refused` when the root is not this tree's. */
export function startSampan(options: StartOptions): Sampan {
  const { facts, ui } = options;
  const base = options.base ?? location.origin;
  const nowMs = () => Date.now();
  const { workspace, client_app: clientApp } = facts;
  const { profile, root } = facts.trust;
  const treePath = `/trust/${workspace}/${profile}`;
  const store = new IndexedDbStore(`sampan-${workspace}`);
  const exclusive = webLocks();
  const calls = new Calls(base, options.request);
  const late: Late = {};
  const session = new Session({ calls, clientApp, store, exclusive, nowMs, wipe: () => wipe(late) });
  const source = httpTree(base + treePath);
  const tree = new TufTree({
    tree: `${workspace}/${profile}`,
    root: rootBytes(root),
    fetchBytes: source.fetchBytes,
    store: metadataStore(store),
  });
  const device = new Device(tree, new PackageStore(store, exclusive), source, store);
  const events = new EventQueue({ session, store, exclusive, nowMs });
  const consents = new Consents(store, session, options.askConsent);
  const told = (): Profile => ({ ...browserFacts(navigator), ...options.profile() });
  const switches = new Switches({ session, store, profile: told, nowMs });
  const container = new Container(
    {
      device,
      source,
      store,
      server: new SessionServer(session),
      consents,
      capabilities: { ...browserCapabilities(`${base}/`), ...options.capabilities },
      switches,
      ui,
      mustUpdate: async (app) => (await late.sync?.mustUpdate(app)) === true,
      report: ({ type, attrs, ...names }) => {
        void events.note(type, names.sequence > 0 ? names : { app: names.app }, attrs).catch(reportError);
      },
      now: nowMs,
    },
    {
      workspace,
      appsOrigin: facts.apps_origin,
      kind: "live",
      theme: options.theme,
      language: options.language,
      isDebugging: options.isDebugging ?? false,
    },
  );
  late.container = container;
  device.onCurrent = (app, current) => container.replaced(app, current);
  late.consents = consents;
  late.switches = switches;
  const sync = new SyncClient({
    clientApp,
    session,
    device,
    events,
    store,
    exclusive,
    profile: told,
    treePath,
    nowMs,
    isOnFreeNetwork: () => isFreeNetwork(browserConnection()),
    install: (hint, progress) => container.update(hint, progress),
  });
  late.sync = sync;
  tellDeliveries(container, sync);
  return { store, session, device, events, sync, consents, switches, container };
}

/** What is made after those that ask for it: what forgets a customer, and what knows of minimum versions. */
interface Late {
  container?: Container;
  consents?: Consents;
  switches?: Switches;
  sync?: SyncClient;
}

async function wipe(late: Late): Promise<void> {
  await late.consents?.forget();
  await late.switches?.forget();
  await late.container?.wipe();
}

/** How far a release has come is known to the container alone from the switch on. */
function tellDeliveries(container: Container, { deliveries }: SyncClient): void {
  container.on("installed", ({ app, digest }) => void deliveries.stage(app, "installed", digest));
  container.on("booted", ({ app, digest, milliseconds }) => {
    void deliveries.stage(app, "booted", digest, { milliseconds });
  });
  container.on("crashed", ({ app, digest, code, revertedTo }) => {
    if (revertedTo !== null) void deliveries.stage(app, "failed", digest, { code });
  });
}
