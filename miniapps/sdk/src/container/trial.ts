/**
 * Trial versions for named testers: the trial tree, a store and origins of their own, under the same container.
 *
 * The server tells a tester alone where the tree is and what its first root is. Signatures are the publisher's and the
 * intake's. No release offers a trial version, so what the role lists is what may be installed; killed and below the
 * floor refuse as ever. An app's data of earlier trials goes before it runs again.
 */

import type { Theme } from "../bridge/protocol";
import { httpTree } from "../download/http";
import { rootBytes } from "../origin/config";
import { IndexedDbStore } from "../store/indexed-db";
import { webLocks } from "../store/locks";
import { metadataStore } from "../store/metadata";
import { PackageStore } from "../store/packages";
import { Device } from "../sync/device";
import { isRefused } from "../trust/refused";
import { TufTree } from "../trust/tree";
import type { AppRole, Control } from "../trust/types";
import { SessionServer } from "./bank_server";
import { browserCapabilities } from "./capabilities";
import { Container } from "./container";
import type { ShellUi } from "./ports";
import type { Sampan, ShellFacts } from "./start";

/** What `GET /client/v1/trial/<app>/<sequence>` says to a tester. */
export interface TrialFacts {
  readonly app: string;
  readonly sequence: number;
  readonly version: string;
  readonly digest: string;
  readonly root: unknown;
}

export interface TrialOptions {
  readonly facts: ShellFacts;
  readonly ui: ShellUi;
  readonly theme: Theme;
  readonly language: string;
  /** The server's address; the page's own when left out. */
  readonly base?: string;
}

/** Install a trial version and return the container that has it; `open(trial.app)` shows it. Throws a refusal. */
export async function startTrial(parts: Sampan, trial: TrialFacts, options: TrialOptions): Promise<Container> {
  const { facts, ui, theme, language } = options;
  const base = options.base ?? location.origin;
  const { workspace } = facts;
  const profile = "trial";
  const store = new IndexedDbStore(`sampan-${workspace}-${profile}`);
  const source = httpTree(`${base}/trust/${workspace}/${profile}`);
  const tree = new TrialTree({
    tree: `${workspace}/${profile}`,
    root: rootBytes(trial.root),
    fetchBytes: source.fetchBytes,
    store: metadataStore(store),
  });
  const device = new Device(tree, new PackageStore(store, webLocks()), source, store);
  const container = new Container(
    {
      device,
      source,
      store,
      server: new SessionServer(parts.session),
      consents: parts.consents,
      capabilities: browserCapabilities(`${base}/`),
      switches: parts.switches,
      ui,
      report: () => undefined, // what testers meet is no figure of the customers' versions
      now: () => Date.now(),
    },
    { workspace, appsOrigin: facts.apps_origin, kind: "trial", theme, language, isDebugging: true },
  );
  await tree.refresh(Date.now());
  const { app, sequence, digest } = trial;
  await container.update({ action: "install", id: app, sequence, digest });
  await container.clearData(app);
  return container;
}

/** The trial tree as testers' devices obey it: all that an app's role lists is on offer. */
export class TrialTree extends TufTree {
  override async control(app: string): Promise<Control> {
    const role = await this.app(app);
    const found = await super.control(app).catch((problem: unknown) => {
      if (isRefused(problem, "trust_not_listed")) return null; // never published: there is no control file yet
      throw problem;
    });
    return offeringAll(app, found, role);
  }

  override async obeyedControl(app: string): Promise<Control | null> {
    const role = await this.obeyedRole(app);
    return role && offeringAll(app, await super.obeyedControl(app), role);
  }
}

function offeringAll(app: string, control: Control | null, role: AppRole): Control {
  const none: Control = { app, serial: "0.0", offerable: [], killed: [], stacks: [], rollback: [] };
  return { ...(control ?? none), offerable: [...role.versions.keys()] };
}
