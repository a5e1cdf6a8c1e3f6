/**
 * The container: opens, keeps, updates and removes mini-apps in one shell page.
 *
 * It decides nothing about trust: the device's verifier says what may be installed and opened, each origin's worker
 * proves what it serves, and the shell's own copy of the signed index says what an app may call.
 */

import { BridgeError } from "../bridge/errors";
import type { Theme } from "../bridge/protocol";
import type { Progress } from "../download/package";
import { type Installed, isPatched } from "../store/installed";
import { checkStaged, type Hint } from "../sync/device";
import { parseIndex } from "../trust/package-index";
import { isRefused, Refused } from "../trust/refused";
import { AppStorage } from "./app_storage";
import { Dependencies } from "./dependencies";
import { Emitter } from "./events";
import { OriginFrame } from "./frame";
import { IdlePages } from "./idle";
import { appOrigin } from "./label";
import type { ContainerEvents, ContainerPorts, ContainerSettings } from "./ports";
import { codeOf } from "./problem";
import { RunningApp, type Surroundings } from "./running";
import { takeApp, takenApps } from "./tab_lock";
import { leastRecentlyUsed, Usage } from "./usage";

const MAX_STACK = 5;

export interface OpenOptions {
  /** A page of the app to begin at instead of its home page, with a query if wanted. */
  readonly entry?: string;
  /** Whether this opening waited for the app to be downloaded; told to the server. */
  readonly fetched?: boolean;
}

interface Opened {
  readonly running: RunningApp;
  readonly release: () => void;
  /** The app that opened this one, and where its answer goes. */
  readonly opener: string | null;
  readonly answer: (result: unknown) => void;
}

type InstallHint = Hint & { action: "install" };

export class Container extends Emitter<ContainerEvents> {
  private readonly open_ = new Map<string, Opened>();
  private readonly usage: Usage;
  private readonly dependencies: Dependencies;
  private readonly wipes: BroadcastChannel;
  private readonly idle = new IdlePages(hiddenMount);
  private front: string | null = null;

  constructor(
    private readonly ports: ContainerPorts,
    private settings: ContainerSettings,
  ) {
    super();
    this.usage = new Usage(ports.store);
    this.dependencies = new Dependencies(ports.device, ports.source, ports.store);
    this.wipes = new BroadcastChannel(`sampan:wipe:${settings.workspace}`);
    this.wipes.onmessage = () => this.closeAll();
  }

  /**
   * Open an app, or bring it to the front with new parameters. Resolves when its origin serves the proved version;
   * `booted` or `crashed` tells the rest. Throws a refusal of the open rule or a `ContainerProblem`.
   */
  async open(app: string, params: unknown = null, options: OpenOptions = {}): Promise<void> {
    await this.openFrom(app, params, options, null, () => undefined);
  }

  /** A person is about to open the app: its process and its worker start, nothing of it runs. Not for what never ran. */
  async warm(app: string): Promise<void> {
    const [ready, origin] = await Promise.all([this.usage.readyKey(app), this.originOf(app)]);
    if (ready !== "" && !this.open_.has(app)) this.idle.keep(app, origin);
  }

  /** Close an app; whoever opened it gets `result`. A version that waits is installed now. */
  close(app: string, result: unknown = null): void {
    const { running } = this.open_.get(app) ?? {};
    const wasUp = running?.isUp ?? false;
    this.end(app, result);
    if (running && wasUp) this.idle.keep(app, running.origin);
  }

  private end(app: string, result: unknown = null): void {
    const found = this.open_.get(app);
    if (found === undefined) return;
    this.open_.delete(app);
    found.running.close();
    found.release();
    this.ports.ui.unmount(app);
    found.answer(result);
    this.emit("closed", { app });
    if (this.front === app) this.toFront(found.opener);
    void this.installWaiting(app);
  }

  /** The apps that are open, in the order of opening. */
  running(): string[] {
    return [...this.open_.keys()];
  }

  /** The installed apps with their versions. */
  async installed(): Promise<Map<string, Installed>> {
    const found = new Map<string, Installed>();
    for (const app of await this.ports.device.packages.apps()) {
      const { current } = await this.ports.device.packages.state(app);
      if (current !== null) found.set(app, current);
    }
    return found;
  }

  /**
   * Carry out an install hint. A running app is never changed: the version is fetched and proved now, `version-ready`
   * is told, and it is switched to when the frame is gone. Returns what is installed, or waits to be. Throws refusals.
   */
  async update(hint: InstallHint, progress: Progress = {}): Promise<Installed> {
    const staged = await this.withRoom(hint, () => this.ports.device.prepare(hint, progress));
    await this.bringDependencies(hint, staged.digest);
    const { packages } = this.ports.device;
    if ((await packages.state(hint.id)).current?.digest === staged.digest) return staged;
    if ((await takenApps()).includes(hint.id)) {
      await packages.stage(hint.id, staged); // it may have been here already
      this.emit("version-ready", { app: hint.id, version: staged.version, sequence: staged.sequence });
    } else {
      await this.dependencies.keep(hint.id);
      await packages.switch(hint.id, staged);
    }
    await this.dependencies.sweep();
    return staged;
  }

  /** This is the current version of an app; when another one runs here, it opens when the app is next opened. */
  replaced(app: string, { version, sequence, digest }: Installed): void {
    const running = this.open_.get(app)?.running.digest ?? "";
    if (running !== "" && running !== digest) this.emit("version-ready", { app, version, sequence });
  }

  /** The shell, or an app in it, is shown or hidden. */
  show(app: string): void {
    this.toFront(app);
  }

  hide(app: string): void {
    if (this.front === app) this.front = null;
    this.open_.get(app)?.running.emit("hide", {});
  }

  setTheme(theme: Theme): void {
    this.settings = { ...this.settings, theme };
    for (const { running } of this.open_.values()) running.emit("theme", theme);
  }

  setLanguage(language: string): void {
    this.settings = { ...this.settings, language };
    for (const { running } of this.open_.values()) running.emit("language", { language });
  }

  /** Delete what one app stored, in its origin and in the shell. Its packages stay. */
  async clearData(app: string): Promise<void> {
    this.end(app);
    const storage = new AppStorage(this.ports.store, app);
    await this.usage.markForWipe([app]);
    await storage.clear();
    await this.clearOrigin(app, { data: true, packages: false });
    await storage.clear(); // a frame in another tab, gone only now, wrote until its end
    await this.usage.wiped(app);
  }

  /**
   * Delete what all apps stored: at sign-out and when the customer changes. Returns the apps whose origin could not be
   * reached; their data goes before they open again.
   */
  async wipe(): Promise<string[]> {
    const unreached: string[] = [];
    this.closeAll();
    const apps: string[] = [];
    for (const app of (await this.ports.device.packages.apps()).sort()) {
      // What never ran here stored nothing, and a shared package has no origin at all.
      if ((await this.usage.openedMs(app)) > 0) apps.push(app);
    }
    await this.usage.markForWipe(apps);
    this.wipes.postMessage(null); // other tabs' apps run for the earlier customer too
    for (const app of apps) {
      await this.clearData(app).catch(() => unreached.push(app));
    }
    return unreached;
  }

  /** Delete an app's packages here and in its origin; its data stays. It is not for running apps. */
  async evict(app: string): Promise<void> {
    this.end(app);
    await this.ports.device.packages.remove(app);
    await this.dependencies.sweep();
    await this.clearOrigin(app, { data: false, packages: true }).catch(() => undefined);
  }

  /** Let go of the app that was not used for longest, but not of `but`; false when none can go. */
  async makeRoom(but = ""): Promise<boolean> {
    const candidates = await Promise.all(
      [...(await this.installed()).keys()].map(async (app) => ({ app, openedMs: await this.usage.openedMs(app) })),
    );
    const needed = new Set([but, ...(await takenApps()), ...(await this.dependencies.ids())]);
    const app = leastRecentlyUsed(candidates, needed);
    if (app === null) return false;
    await this.evict(app);
    return true;
  }

  private async openFrom(
    app: string,
    params: unknown,
    options: OpenOptions,
    opener: string | null,
    answer: (result: unknown) => void,
  ): Promise<void> {
    const known = this.open_.get(app);
    if (known !== undefined) {
      known.running.show(params);
      this.toFront(app);
      answer(null);
      return;
    }
    const [release, origin] = await Promise.all([takeApp(app), this.originOf(app)]);
    const mount = this.ports.ui.mount(app);
    const running = new RunningApp(app, origin, mount, params, options, this.surroundings());
    this.open_.set(app, { running, release, opener, answer });
    this.toFront(app);
    try {
      await Promise.all([this.installWaiting(app).then(() => this.refuseOutdated(app)), this.noteOpened(app)]);
      await running.start();
    } catch (thrown) {
      const code = codeOf(thrown);
      this.emit("refused", { app, code, path: "" });
      this.ports.report({ type: "trust.refused", app, sequence: running.sequence, attrs: { code, detail: "open" } });
      this.end(app);
      throw thrown;
    }
  }

  /** The bank set a minimum version, and what is installed here is older; a version that waited is installed by now. */
  private async refuseOutdated(app: string): Promise<void> {
    if ((await this.ports.mustUpdate?.(app)) === true) {
      const help = "Connect to the network and open it again.";
      throw new Refused("open_update_required", `${app} must be updated before it opens. ${help}`);
    }
  }

  /** Before its first run, since a wipe must know of that whatever becomes of the tab; later ones need not wait. */
  private async noteOpened(app: string): Promise<void> {
    const isFirst = (await this.usage.openedMs(app)) === 0;
    const noted = this.usage.opened(app, this.ports.now());
    if (isFirst) await noted;
    else noted.catch(() => undefined); // it counts for eviction alone
  }

  private closeAll(): void {
    for (const app of this.running()) this.end(app);
  }

  private toFront(app: string | null): void {
    if (this.front === app) return;
    if (this.front !== null) this.open_.get(this.front)?.running.emit("hide", {});
    this.front = app;
    if (app !== null) this.open_.get(app)?.running.reappear();
  }

  private surroundings(): Surroundings {
    return {
      ports: this.ports,
      dependencies: this.dependencies,
      settings: () => this.settings,
      emit: (event, data) => this.emit(event, data),
      makeRoom: () => this.makeRoom(),
      open: (app, params, opener) => this.openForResult(app, params, opener),
      close: (app, result) => this.close(app, result),
      wasProvisioned: async (app, digest) => (await this.usage.provisioned(app)) === digest,
      mustWipe: (app) => this.usage.isMarkedForWipe(app),
      wiped: (app) => this.usage.wiped(app),
      frameMade: (app) => this.idle.drop(app),
      readyKey: (app) => this.usage.readyKey(app),
      setReadyKey: (app, key) => this.usage.setReadyKey(app, key),
      setProvisioned: (app, digest) => this.usage.setProvisioned(app, digest),
    };
  }

  private openForResult(app: string, params: unknown, opener: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.open_.size >= MAX_STACK) {
        reject(new BridgeError("refused", `At most ${MAX_STACK} apps are open at once.`));
        return;
      }
      this.openFrom(app, params, {}, opener, resolve).catch((thrown: unknown) => {
        reject(new BridgeError("app_not_found", `${app} cannot be opened here (${codeOf(thrown)}).`));
      });
    });
  }

  /** Switch to the version that waits, where nothing of the app runs and the rule still allows it. */
  private async installWaiting(app: string): Promise<void> {
    const { packages, tree } = this.ports.device;
    const staged = await packages.staged(app);
    if (staged === null || this.open_.get(app)?.running.isUp) return;
    const [role, control] = [await tree.obeyedRole(app), await tree.obeyedControl(app)];
    if (role === null || control === null) return;
    try {
      checkStaged(staged, role, control, await packages.state(app));
      await packages.switch(app, staged);
      this.emit("installed", { app, sequence: staged.sequence, digest: staged.digest });
    } catch (thrown) {
      // Hotfixes that were withdrawn meanwhile, or are for what is not here any more.
      if (isPatched(staged) && isRefused(thrown)) await packages.unstage(app);
      this.emit("refused", { app, code: codeOf(thrown), path: "" });
    }
  }

  private async bringDependencies(hint: InstallHint, digest: string): Promise<void> {
    const placed = await this.ports.device.packages.placed(hint.id, digest);
    if (placed !== null) await this.withRoom(hint, () => this.dependencies.bring(parseIndex(placed.index)));
  }

  /** Another app goes for one that somebody waits for alone: in the background each round would take one more. */
  private async withRoom<T>({ id, isWanted }: InstallHint, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (thrown) {
      const mayMakeRoom = codeOf(thrown) === "store_full" && isWanted === true;
      if (!mayMakeRoom || !(await this.makeRoom(id))) throw thrown;
      return act();
    }
  }

  private async clearOrigin(app: string, what: { data: boolean; packages: boolean }): Promise<void> {
    const release = await takeApp(app);
    this.idle.drop(app);
    const frame = new OriginFrame(await this.originOf(app), hiddenMount(), app);
    try {
      await frame.clear(what);
    } finally {
      frame.close();
      release();
    }
  }

  private originOf(app: string): Promise<string> {
    const { appsOrigin, workspace, kind } = this.settings;
    return appOrigin(appsOrigin, workspace, app, kind);
  }
}

function hiddenMount(): HTMLElement {
  const known = document.querySelector<HTMLElement>("[data-sampan-hidden]");
  if (known !== null) return known;
  const made = document.createElement("div");
  made.hidden = true;
  made.dataset.sampanHidden = "";
  document.body.append(made);
  return made;
}
