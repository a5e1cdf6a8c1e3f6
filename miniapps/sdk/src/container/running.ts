/** One app that is open: its frame, its bridge, its watchdog, and what is done when something is wrong with it. */

import { BridgeHost } from "../bridge/host";
import type { BridgeEvents, EventName, Hello, Note } from "../bridge/protocol";
import { directAddress, keyOf } from "../origin/direct";
import type { Need, Wanted } from "../origin/messages";
import { isPatched } from "../store/installed";
import type { PlacedPackage } from "../store/packages";
import type { OpenedApp } from "../sync/device";
import { AppStorage } from "./app_storage";
import type { Booted, Supply } from "./boot_channel";
import type { Chosen, Dependencies } from "./dependencies";
import { BOOT, type FrameListener, OriginFrame } from "./frame";
import { reportOf, troubleOf } from "./health_reports";
import { makeMethods } from "./methods";
import type { ContainerEvents, ContainerPorts, ContainerSettings } from "./ports";
import { codeOf, problem } from "./problem";
import { Pulse } from "./pulse";
import { Watchdog } from "./watchdog";

/** What an open app asks of the container. */
export interface Surroundings {
  readonly ports: ContainerPorts;
  readonly dependencies: Dependencies;
  settings(): ContainerSettings;
  emit<E extends keyof ContainerEvents>(event: E, data: ContainerEvents[E]): void;
  /** Make room in this browser; false when nothing could go. */
  makeRoom(): Promise<boolean>;
  open(app: string, params: unknown, opener: string): Promise<unknown>;
  close(app: string, result: unknown): void;
  /** Whether this origin held this package before, so that its absence is a loss. */
  wasProvisioned(app: string, digest: string): Promise<boolean>;
  setProvisioned(app: string, digest: string): Promise<void>;
  /** What the origin said last that it has ready, as `keyOf` names it; empty when it never did. */
  readyKey(app: string): Promise<string>;
  setReadyKey(app: string, key: string): Promise<void>;
  /** There is a frame of the app now. */
  frameMade(app: string): void;
  /** Whether the app's data of an earlier customer is still there. */
  mustWipe(app: string): Promise<boolean>;
  wiped(app: string): Promise<void>;
}

/** What an honest app has no reason to run into; each kind is reported once for each opening. */
const ATTACKS: ReadonlySet<string> = new Set(["permission_denied", "too_large", "too_many_calls"]);

export class RunningApp {
  private frame: OriginFrame | null = null;
  private host: BridgeHost | null = null;
  private opened: OpenedApp | null = null;
  private readonly watchdog = new Watchdog((verdict) => {
    if (verdict === "booted") void this.confirmBoot();
    else void this.fall(verdict);
  });
  private readonly storage: AppStorage;
  private readonly pulse = new Pulse(
    () => this.host?.ping(),
    () => void this.fall("not_responding"),
  );
  private readonly reportedCalls = new Set<string>();
  private readonly listener: FrameListener = {
    onDocument: (hello, port) => this.onDocument(hello, port),
    onFlood: () => this.misbehaved("hello_flood"),
    onLeft: () => this.misbehaved("left_origin"),
  };
  private healings = 0;
  private documents = 0;
  private startedMs = 0;
  private bootMs = 0;
  private isClosed = false;
  private launched: unknown;

  constructor(
    readonly app: string,
    readonly origin: string,
    private readonly mount: HTMLElement,
    params: unknown,
    private readonly options: { readonly entry?: string; readonly fetched?: boolean },
    private readonly around: Surroundings,
  ) {
    this.launched = params;
    this.storage = new AppStorage(around.ports.store, app);
  }

  /** The sequence that runs, 0 before there is one. */
  get sequence(): number {
    return this.opened?.opened.installed.sequence ?? 0;
  }

  /** The package that runs, empty before there is one. */
  get digest(): string {
    return this.opened?.opened.installed.digest ?? "";
  }

  /** What reports name beside the sequence, when there are hotfixes in what runs. */
  private get patched(): { digest?: string } {
    return isPatched(this.opened?.opened.installed ?? null) ? { digest: this.digest } : {};
  }

  /** Whether there is a frame, so that nothing of the app may be exchanged. */
  get isUp(): boolean {
    return this.frame !== null;
  }

  /** Open the installed version. Throws a refusal of the open rule, or a `ContainerProblem`. */
  async start(heal = false): Promise<void> {
    const { ports } = this.around;
    this.startedMs = ports.now();
    this.documents = 0;
    const asked = ports.device.open(this.app, ports.now());
    asked.catch(() => undefined); // told where it is waited for
    const [mustWipe, known] = await Promise.all([this.around.mustWipe(this.app), this.around.readyKey(this.app)]);
    const ready = heal || mustWipe ? "" : known;
    try {
      if (ready === "") this.makeFrame(); // its boot page loads while the rule is asked; no app runs before `prepare`
      const opened = await asked;
      const shared = await this.around.dependencies.choose(opened.opened.index);
      this.opened = opened;
      this.tellLeft(opened);
      const wanted = wantedOf(this.app, opened, shared);
      const key = await keyOf(wanted);
      if (key === ready && (await this.begin(key))) return;
      if (this.frame === null) this.makeFrame();
      const booted = await this.bootWithRoom(wanted, shared, heal);
      if (!this.isClosed) this.watchdog.start();
      if (key !== ready) await this.around.setReadyKey(this.app, key);
      await this.tellHealing(wanted.digest, booted, heal);
    } catch (thrown) {
      this.takeDown();
      throw thrown;
    }
  }

  /** Tell that a version gave way to the one that opens, since none of its starts came to an end. */
  private tellLeft({ left, opened }: OpenedApp): void {
    if (left === null) return;
    const { sequence, digest } = left;
    const revertedTo = opened.installed.sequence;
    this.around.emit("crashed", { app: this.app, sequence, digest, code: "boot_timeout", revertedTo });
  }

  emit<E extends EventName>(event: E, data: BridgeEvents[E]): void {
    this.host?.emit(event, data);
  }

  /** Show the app again, with new parameters when it is opened anew. */
  show(params: unknown): void {
    this.launched = params;
    this.emit("show", { params });
  }

  /** The app is in front again, with the parameters it had. */
  reappear(): void {
    this.emit("show", { params: this.launched ?? null });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.emit("hide", {});
    this.takeDown();
  }

  private takeDown(): void {
    this.watchdog.stop();
    this.pulse.stop();
    this.host?.close();
    this.host = null;
    this.frame?.close();
    this.frame = null;
  }

  /** Open the app's page without the boot page; false when its worker is not there or does not have this version. */
  private async begin(key: string): Promise<boolean> {
    this.makeFrame(directAddress(this.entryAddress(), key));
    this.watchdog.start();
    const isThere = await this.frame?.begin(this.listener);
    if (this.isClosed) throw gone();
    if (!isThere) this.takeDown();
    return isThere ?? false;
  }

  private async bootWithRoom(wanted: Wanted, shared: readonly Chosen[], heal: boolean): Promise<Booted> {
    try {
      return await this.boot(wanted, shared, heal);
    } catch (thrown) {
      this.takeDown();
      if (codeOf(thrown) !== "store_full" || !(await this.around.makeRoom())) throw thrown;
      this.makeFrame();
      return this.boot(wanted, shared, heal);
    }
  }

  private async boot(wanted: Wanted, shared: readonly Chosen[], heal: boolean): Promise<Booted> {
    const { frame } = this;
    if (frame === null) throw gone();
    await this.wipeEarlier(frame);
    return frame.boot(wanted, this.entryAddress(), heal, (need) => this.supply(need, shared), this.listener);
  }

  private makeFrame(page: string | null = null): void {
    if (this.isClosed) throw gone();
    this.frame?.close();
    this.frame = new OriginFrame(this.origin, this.mount, this.app, BOOT, page);
    this.around.frameMade(this.app);
  }

  private async wipeEarlier(frame: OriginFrame): Promise<void> {
    if (!(await this.around.mustWipe(this.app))) return;
    await this.storage.clear(); // an app in another tab wrote on until it was closed
    await frame.clear({ data: true, packages: false });
    await this.around.wiped(this.app);
  }

  private entryAddress(): string {
    const pages = this.opened?.opened.index.pages ?? [];
    const page = this.options.entry ?? `${pages[0] ?? "index"}.html`;
    return `/${page.replace(/^\/+/, "")}`;
  }

  /** Hand over the shell's own copies; the worker proves them itself. */
  private async supply(need: Need, shared: readonly Chosen[]): Promise<Supply> {
    const { opened } = this;
    if (opened === null) throw new Error("Nothing is open.");
    const own = { id: this.app, digest: opened.opened.installed.digest, placed: opened.opened.placed };
    const all = [own, ...shared];
    const packages = all.filter((each) => need.packages.includes(each.digest)).map(bytesOf);
    const chains = Object.fromEntries(all.map((each) => [each.id, each.placed.chain]));
    return { type: "supply", chains, packages };
  }

  private async tellHealing(digest: string, booted: Booted, heal: boolean): Promise<void> {
    const { around, app } = this;
    if (booted.sent !== null) {
      const lost = heal ? null : booted.hadWorker ? booted.sent : "worker_missing";
      if (lost !== null && (await around.wasProvisioned(app, digest))) {
        if (lost !== "worker_missing" && lost !== "store_missing") this.refused(lost, "");
        around.emit("healed", { app, code: lost });
      }
      await around.setProvisioned(app, digest);
    } else if (!booted.hadWorker && (await around.wasProvisioned(app, digest))) {
      around.emit("healed", { app, code: "worker_missing" });
    }
  }

  private onDocument(hello: Hello, port: MessagePort): void {
    this.host?.close();
    this.host = null;
    const installed = this.opened?.opened.installed;
    const isWanted = hello.refused === undefined && hello.digest === installed?.digest;
    if (this.isClosed || !isWanted) {
      port.close();
      void this.heal(hello.refused ?? "served_other_version", hello.path ?? "");
      return;
    }
    this.host = this.makeHost(port);
    this.greet(this.host);
  }

  private greet(host: BridgeHost): void {
    this.pulse.start();
    const { theme, language, isDebugging } = this.around.settings();
    const params = this.launched ?? null;
    host.welcome({ app: this.app, theme, language, params, debug: isDebugging ?? false });
    if (this.documents === 0) host.emit("launch", { params });
    host.emit("show", { params });
    this.documents += 1;
  }

  private makeHost(port: MessagePort): BridgeHost {
    const { around, app, sequence, storage, opened } = this;
    const { ports } = around;
    const methods = makeMethods(ports, {
      app,
      sequence,
      storage,
      params: () => this.launched ?? null,
      open: (other, params) => around.open(other, params, app),
      close: (result) => around.close(app, result),
    });
    return new BridgeHost(port, {
      permissions: opened?.opened.index.permissions ?? { bridge: [], network: [], webview: [] },
      methods,
      mayMoveMoney: opened?.opening.mayMoveMoney ?? false,
      consents: (permission) => ports.consents.allows(app, permission),
      onPong: () => this.pulse.heard(),
      onNote: (note) => this.onNote(note),
      onCall: (method, code) => this.onCall(method, code),
      now: ports.now,
    });
  }

  private onCall(method: string, code: string | null): void {
    const { around, app, sequence } = this;
    around.emit("call", { app, method, code });
    if (code === null || !ATTACKS.has(code) || this.reportedCalls.has(`${method} ${code}`)) return;
    this.reportedCalls.add(`${method} ${code}`);
    around.ports.report({ type: "trust.refused", app, sequence, attrs: { code, detail: method } });
  }

  private onNote(note: Note): void {
    const { around, app, sequence } = this;
    const report = reportOf(note);
    if (report !== null) around.ports.report({ ...report, app, sequence, ...this.patched });
    if (note.note === "boot") {
      this.bootMs = note.milliseconds;
      this.watchdog.decide("booted");
    }
    if (note.note === "white_screen") this.watchdog.decide("white_screen");
    if (note.note === "file_refused") void this.heal(note.code, note.path);
    const trouble = troubleOf(note);
    if (trouble !== null) around.emit("trouble", { app, text: trouble });
    if (note.note === "console") around.emit("console", { app, level: note.level, text: note.text });
  }

  private async confirmBoot(): Promise<void> {
    const { around, app, sequence } = this;
    const milliseconds = Math.max(0, Math.round(around.ports.now() - this.startedMs));
    const fetched = this.options.fetched ?? false; // what is opened without a word about it was here
    const names = { app, sequence, ...this.patched };
    around.ports.report({ type: "app.opened", ...names, attrs: { milliseconds, fetched } });
    around.ports.report({ type: "app.boot", ...names, attrs: { milliseconds: this.bootMs } });
    around.emit("booted", { app, sequence, digest: this.digest, milliseconds });
    await around.ports.device.booted(app, this.digest);
  }

  /** Something served was not what was signed: give the origin the shell's copy, once for each opening. */
  private async heal(code: string, path: string): Promise<void> {
    if (this.isClosed) return;
    this.refused(code, path);
    this.takeDown();
    this.healings += 1;
    if (this.healings > 1) return this.fall(code);
    try {
      await this.start(true);
      this.around.emit("healed", { app: this.app, code });
    } catch (thrown) {
      await this.fall(codeOf(thrown));
    }
  }

  private refused(code: string, path: string): void {
    const { around, app, sequence } = this;
    around.ports.report({ type: "trust.refused", app, sequence, attrs: { code, detail: path.slice(0, 1_000) } });
    around.emit("refused", { app, code, path });
  }

  /** The app attacks the shell, or left its origin: its frame closes, whatever version it is. */
  private misbehaved(code: string): void {
    if (this.frame === null) return;
    this.takeDown();
    this.refused(code, "");
    const { app, sequence, digest } = this;
    this.around.emit("crashed", { app, sequence, digest, code, revertedTo: null });
  }

  /** The version did not start. The kept one takes over when the rule allows it; the package is not tried again here. */
  private async fall(code: string): Promise<void> {
    if (this.isClosed) return;
    const { app, sequence, digest } = this;
    const revertedTo = await this.revert();
    this.around.emit("crashed", { app, sequence, digest, code, revertedTo });
    if (revertedTo === null) return;
    this.takeDown();
    await this.start().catch((thrown) => {
      this.around.emit("crashed", { app, sequence: revertedTo, digest: "", code: codeOf(thrown), revertedTo: null });
    });
  }

  private async revert(): Promise<number | null> {
    return (await this.around.ports.device.goBack(this.app))?.sequence ?? null;
  }
}

const gone = () => problem("app_closed", "The app was closed before it ran.");

function wantedOf(app: string, { opened, kept }: OpenedApp, shared: readonly Chosen[]): Wanted {
  const { sequence, digest } = opened.installed;
  return {
    app,
    sequence,
    digest,
    shared: shared.map((each) => ({ id: each.id, sequence: each.sequence, digest: each.digest })),
    keep: kept === null ? [] : [kept],
  };
}

function bytesOf({ digest, placed }: { digest: string; placed: PlacedPackage }) {
  const index = placed.index as Uint8Array<ArrayBuffer>;
  const archive =
    placed.archive instanceof Blob ? placed.archive : new Blob([placed.archive as Uint8Array<ArrayBuffer>]);
  return { digest, index, archive };
}
