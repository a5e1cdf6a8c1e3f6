import {
  type AppState,
  Calls,
  type CatalogueItem,
  type Confirmation,
  type Container,
  codeOf,
  isRefused,
  parseIndex,
  type Sampan,
  ServerAway,
  ServerSaysNo,
  type ShellFacts,
  startSampan,
  startTrial,
} from "@sampan/sdk";
import { HostProblem } from "../pages/problem";
import { go } from "../route";
import { heardFetch } from "./heard";
import type {
  AppPhase,
  Asker,
  CatalogueApp,
  Consent,
  DeveloperFacts,
  DeveloperLine,
  DeviceRow,
  Fact,
  Host,
  Snapshot,
  Tier,
  TrialState,
} from "./host";
import { TIERS, trialKey } from "./host";
import { Icons } from "./icons";
import { Lines } from "./lines";
import { followWakeUps } from "./live";
import { international, PHONE_INVALID } from "./phone";
import { isObject, list, type Row, text } from "./read";
import { readFacts } from "./shell_facts";
import { goToApp, Stage } from "./stage";
import { readTrial, trialEntry } from "./trial";
import { trialState } from "./trial_state";
import { enterWorkbench } from "./workbench";

const [ME, RECENTS] = ["shell/me", "shell/recents"];
const MOST_RECENTS = 8;
const HOST_VERSION = 1;
const [KILLED, OFFLINE] = ["open_killed", "offline"];
const EVENTS_AFTER_MS = 2_000;
const CLOSED: AppPhase = { step: "closed" };
const NOTHING = "–";
const WHY = [
  "why_matched",
  "why_no_release",
  "why_not_in_audience",
  "why_other_client_app",
  "why_host_too_old",
] as const;

interface Me {
  tier: Tier;
  customer: Snapshot["customer"];
}

export function createHost(): Host {
  return new BrowserHost();
}

/** The shell on the SDK: this browser is the device. */
class BrowserHost implements Host {
  private readonly listeners = new Set<() => void>();
  private readonly phases = new Map<string, AppPhase>();
  private readonly happened = new Lines();
  private readonly stage = new Stage((app) => this.tell(app, { step: "opening" }));
  private asker: Asker | null = null;
  private phone: Sampan | null = null;
  private facts: ShellFacts | null = null;
  private icons: Icons | null = null;
  private trial: { entry: CatalogueApp; container: Container | null } | null = null;
  private theme = { scheme: "light" as "light" | "dark", fontScale: 1 };
  private language = "zh";
  private thisRound: Promise<void> = Promise.resolve();
  private nextRound: Promise<void> | null = null;
  private checkTimer = 0;
  private state: Snapshot = {
    phase: "starting",
    demo: false,
    online: navigator.onLine,
    tier: "visitor",
    customer: null,
    hasCatalogue: false,
    apps: [],
    categories: [],
    recents: [],
    workbench: null,
  };

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  snapshot(): Snapshot {
    return this.state;
  }

  phase(app: string): AppPhase {
    return this.phases.get(app) ?? CLOSED;
  }

  stageAt(element: HTMLElement): void {
    this.stage.at(element);
  }

  askBy(asker: Asker): void {
    this.asker = asker;
  }

  async start(): Promise<void> {
    keepShellOffline();
    try {
      await this.begin();
    } catch (problem) {
      console.error(problem);
      this.change({ phase: "unreachable" });
      addEventListener("online", () => location.reload(), { once: true });
    }
  }

  async askCode(phone: string): Promise<string | null> {
    const number = theNumber(phone);
    await asked(this.ready().session.askCode(number, this.language));
    if (!this.state.demo) return null;
    const { body } = await asked(new Calls(location.origin).send("GET", "/client/v1/demo/codes"));
    return text(list(body, "codes").find((each) => each.phone === number)?.code);
  }

  async signIn(phone: string, code: string): Promise<void> {
    await asked(this.ready().session.signIn(theNumber(phone), code.trim()));
    await this.readMe();
    await this.sync();
  }

  async signOut(): Promise<void> {
    await asked(this.ready().session.signOut());
    await this.ready().store.write([{ key: RECENTS }]);
    await this.readMe();
    await this.sync();
  }

  async raiseTo(tier: Tier): Promise<void> {
    await asked(this.ready().session.call("POST", "/client/v1/demo/tier", { tier }));
    await this.readMe();
    await this.sync();
  }

  async devices(): Promise<readonly DeviceRow[]> {
    const { body } = await asked(this.ready().session.call("GET", "/client/v1/devices"));
    return list(body, "devices").map((row) => ({
      id: text(row.id),
      isThis: row.is_this === true,
      platform: text(row.platform),
      model: text(row.model),
      lastSeenMs: Number(row.last_seen_ms ?? 0),
    }));
  }

  async signOutDevice(id: string): Promise<void> {
    await asked(this.ready().session.call("DELETE", `/client/v1/devices/${encodeURIComponent(id)}`));
  }

  async consents(): Promise<readonly Consent[]> {
    const { body } = await asked(this.ready().session.call("GET", "/client/v1/consents"));
    return list(body, "consents").map((row) => ({
      app: text(row.app),
      permission: text(row.permission),
      grantedMs: Number(row.granted_ms ?? 0),
    }));
  }

  async withdraw(app: string, permission: string): Promise<void> {
    await asked(this.ready().consents.withdraw(app, permission));
  }

  async open(app: string): Promise<void> {
    const { container, device } = this.ready();
    if (container.running().includes(app)) {
      container.show(app);
      this.stage.show(app);
      return;
    }
    try {
      const state = await device.packages.state(app);
      this.tell(app, { step: state.current === null ? "installing" : "opening" });
      if (neverRan(state)) {
        // Its origin was not seen either: without a network there is nothing to wait for.
        if (navigator.onLine && (state.current === null || !this.state.online)) await this.sync();
        if (!this.isOnline()) throw new HostProblem(OFFLINE, "The app is not installed yet, and there is no network.");
      }
      await container.open(app);
      this.stage.show(app);
      this.remember(app);
    } catch (problem) {
      this.tell(app, { step: "refused", refusal: await this.refusalOf(app, problem) });
    }
  }

  async deviceId(): Promise<string> {
    return (await this.ready().session.status())?.device ?? "";
  }

  async openTrial(app: string, sequence: number): Promise<void> {
    this.closeTrial();
    const phone = this.ready();
    const key = trialKey(app);
    phone.container.close(app); // its data and the trial's never meet, but one frame of an app is enough
    const mine = { entry: trialEntry(app, this.entry(app)), container: null as Container | null };
    this.trial = mine;
    this.tell(key, { step: "installing" });
    try {
      const { body } = await asked(
        phone.session.call("GET", `/client/v1/trial/${encodeURIComponent(app)}/${sequence}`),
      );
      if (this.facts === null) throw new HostProblem("starting", "The app is still starting.");
      const container = await startTrial(phone, readTrial(body), {
        facts: this.facts,
        theme: this.theme,
        language: this.language,
        ui: {
          mount: () => this.stage.place(key),
          unmount: () => this.stage.unmount(key),
          title: (_app, title) => this.stage.title(key, title),
          confirm: async (_app, what) => this.confirmed(app, what),
        },
      });
      if (this.trial !== mine) return;
      mine.container = container;
      container.on("booted", () => this.tell(key, { step: "running" }));
      container.on("crashed", ({ code }) => this.tell(key, { step: "refused", refusal: { code, detail: "" } }));
      this.tell(key, { step: "opening" });
      await container.open(app);
      this.stage.show(key);
    } catch (problem) {
      if (this.trial !== mine) return;
      const code = problem instanceof HostProblem ? problem.code : codeOf(problem);
      const detail = problem instanceof Error ? problem.message : "";
      this.tell(key, { step: "refused", refusal: { code, detail } });
    }
  }

  async trialState(app: string, sequence: number): Promise<TrialState> {
    return this.facts === null ? "unknown" : trialState(this.facts, app, sequence);
  }

  closeTrial(): void {
    const { trial } = this;
    if (trial === null) return;
    this.trial = null;
    trial.container?.close(trial.entry.id);
    this.phases.delete(trialKey(trial.entry.id));
    this.notify();
  }

  warm(app: string): void {
    void this.phone?.container.warm(app);
  }

  hide(app: string): void {
    this.phone?.container.hide(app);
    this.stage.show(null);
  }

  close(app: string): void {
    this.phone?.container.close(app);
    this.phases.delete(app);
    this.notify();
  }

  async clearData(app: string): Promise<void> {
    await asked(this.ready().container.clearData(app));
  }

  async report(app: string, reason: string, text: string): Promise<void> {
    await asked(this.ready().session.call("POST", `/client/v1/apps/${app}/report`, { reason, text }));
  }

  lines(app: string): readonly DeveloperLine[] {
    return this.happened.of(app);
  }

  async developer(app: string): Promise<DeveloperFacts> {
    if (app === "") return { facts: await this.shellFacts(), permissions: [] };
    return { facts: await this.appFacts(app), permissions: this.happened.permissions(app, await this.asked(app)) };
  }

  present(appearance: "light" | "dark", language: "zh" | "en", isLarge: boolean): void {
    this.theme = { scheme: appearance, fontScale: isLarge ? 1.25 : 1 };
    this.language = language;
    for (const container of [this.phone?.container, this.trial?.container]) {
      container?.setTheme(this.theme);
      container?.setLanguage(language);
    }
  }

  private async begin(): Promise<void> {
    const { facts, isDemo, workbench } = await readFacts();
    const phone = startSampan({
      facts,
      isDebugging: true,
      request: heardFetch(({ app, text: said, isProblem, trace }) => {
        this.happened.add(app, "network", said, isProblem, trace);
        this.notify();
      }),
      theme: this.theme,
      language: this.language,
      profile: () => ({ platform: "web", host_version: HOST_VERSION, lang: this.language }),
      askConsent: async (app, permission) => {
        const found = this.entry(app);
        return found !== undefined && ((await this.asker?.consent(found, permission)) ?? false);
      },
      ui: {
        mount: (app) => this.stage.mount(app),
        unmount: (app) => this.stage.unmount(app),
        title: (app, title) => this.stage.title(app, title),
        confirm: async (app, what) => this.confirmed(app, what),
      },
    });
    this.phone = phone;
    this.facts = facts;
    this.icons = new Icons(phone.store, `/trust/${facts.workspace}/${facts.trust.profile}/files`);
    this.listen(phone);
    this.change({ demo: isDemo, workbench: workbench ?? null });
    await this.readKept();
    if (workbench) await enterWorkbench(this, workbench);
    this.change({ phase: "ready" });
    await this.sync();
    await this.readMe();
    void followWakeUps(phone.session, () => void this.sync(), new AbortController().signal);
  }

  private listen({ container }: Sampan): void {
    container.on("booted", ({ app }) => this.tell(app, { ...this.phase(app), step: "running" }));
    container.on("version-ready", ({ app, version }) => this.tell(app, { ...this.phase(app), newer: version }));
    container.on("closed", ({ app }) => {
      if (this.phase(app).step !== "running") return; // it did not open, and its page says why
      this.phases.delete(app);
      const before = container.running().at(-1);
      if (decodeURIComponent(location.hash) === `#/app/${app}`) go(before ? `app/${before}` : "home");
      this.notify();
      void this.refresh();
    });
    container.on("crashed", ({ app, code, revertedTo }) => {
      this.happened.add(
        app,
        "error",
        `crashed ${code}${revertedTo === null ? "" : `, went back to ${revertedTo}`}`,
        true,
      );
      if (revertedTo === null) this.tell(app, { step: "refused", refusal: { code, detail: "" } });
    });
    container.on("refused", ({ app, code, path }) =>
      this.happened.add(app, "error", `refused ${code} ${path}`, code !== "app_closed"),
    );
    container.on("healed", ({ app, code }) => this.happened.add(app, "error", `healed ${code}`, false));
    container.on("call", ({ app, method, code }) => {
      this.happened.add(app, "permission", code === null ? method : `${method} ${code}`, code !== null);
      this.happened.count(app, method, code !== null);
      this.notify();
    });
    container.on("console", ({ app, level, text }) => {
      this.happened.add(app, "console", `${level} ${text}`, level === "error");
      this.notify();
    });
    container.on("trouble", ({ app, text }) => {
      this.happened.add(app, "error", text, true);
      this.notify();
    });
    for (const event of ["online", "offline"]) {
      addEventListener(event, () => {
        this.change({ online: navigator.onLine });
        if (navigator.onLine) void this.sync();
      });
    }
  }

  /** One round with the server, begun after this call: what was asked for before it is seen. Several callers share it. */
  private sync(): Promise<void> {
    this.nextRound ??= this.thisRound.then(() => {
      this.nextRound = null;
      this.thisRound = this.round();
      return this.thisRound;
    });
    return this.nextRound;
  }

  private async round(): Promise<void> {
    const { sync, events } = this.ready();
    let seconds = 60;
    try {
      const round = await sync.run();
      seconds = round.nextCheckSeconds;
      for (const { what, app, code } of round.happenings) {
        if (app && code) this.happened.add(app, "error", `sync ${what} ${code}`, true);
      }
      this.change({ online: true });
    } catch (problem) {
      if (problem instanceof ServerAway) this.change({ online: false });
      this.happened.add(
        "",
        "network",
        `sync ${problem instanceof ServerSaysNo ? problem.code : codeOf(problem)}`,
        true,
      );
    }
    await this.stopForbidden();
    await this.refresh();
    clearTimeout(this.checkTimer);
    this.checkTimer = window.setTimeout(() => void this.sync(), seconds * 1000 * (1 + Math.random() / 10));
    setTimeout(() => void events.send().catch(() => undefined), EVENTS_AFTER_MS);
  }

  /** End what runs and may not any more: killed, or the customer lost the tier. */
  private async stopForbidden(): Promise<void> {
    const { container, device } = this.ready();
    for (const app of container.running()) {
      try {
        await device.mayOpen(app, Date.now());
      } catch (problem) {
        this.tell(app, { step: "refused", refusal: await this.refusalOf(app, problem) });
        container.close(app);
      }
    }
    // The catalogue forgets a killed app at once, its control file tells why a moment later.
    for (const [app, { refusal }] of this.phases) {
      if (refusal && refusal.code !== KILLED && (await this.wasKilled(app))) {
        this.tell(app, { step: "refused", refusal: { code: KILLED, detail: "" } });
      }
    }
  }

  /** Show what is kept on this device: who was signed in, the catalogue, what is installed. */
  private async readKept(): Promise<void> {
    const { store } = this.ready();
    const me = (await store.get(ME)) as Me | undefined;
    if (me) this.change({ tier: me.tier, customer: me.customer });
    await this.refresh();
  }

  private async refresh(): Promise<void> {
    const { sync, store } = this.ready();
    const catalogue = await sync.catalogue();
    const recents = ((await store.get(RECENTS)) as string[] | undefined) ?? [];
    const apps = await Promise.all((catalogue?.items ?? []).map((item) => this.entryOf(item)));
    this.change({ apps, recents, categories: catalogue?.categories ?? [], hasCatalogue: catalogue !== null });
  }

  private async entryOf(item: CatalogueItem): Promise<CatalogueApp> {
    const { packages } = this.ready().device;
    const { current } = await packages.state(item.id);
    const opensFrom = TIERS.find((tier) => tier === item.entry.open_tier) ?? null;
    return {
      id: item.id,
      name: item.name,
      text: item.text,
      category: item.category,
      icon: (await this.icons?.address(item.icon)) ?? null,
      mayOpen: item.mayOpen,
      neededTier: item.mayOpen ? null : opensFrom,
      installed: current && { version: current.version, sequence: current.sequence, digest: current.digest },
      hasUpdate: current !== null && (await packages.staged(item.id)) !== null,
    };
  }

  private async readMe(): Promise<void> {
    const { session, store } = this.ready();
    try {
      const { body } = await session.call("GET", "/client/v1/me");
      const me = meOf(body);
      await store.write([{ key: ME, value: me }]);
      this.change({ tier: me.tier, customer: me.customer });
    } catch {
      // what was known stays
    }
  }

  private remember(app: string): void {
    const recents = [app, ...this.state.recents.filter((each) => each !== app)].slice(0, MOST_RECENTS);
    this.change({ recents });
    void this.ready().store.write([{ key: RECENTS, value: recents }]);
  }

  private async refusalOf(app: string, problem: unknown): Promise<{ code: string; detail: string }> {
    const state = await this.ready().device.packages.state(app);
    if (await this.wasKilled(app)) return { code: KILLED, detail: "" };
    if (neverRan(state) && !this.isOnline()) return { code: OFFLINE, detail: "" };
    const detail = isRefused(problem) || problem instanceof Error ? problem.message : "";
    return { code: codeOf(problem), detail };
  }

  private isOnline(): boolean {
    return navigator.onLine && this.state.online;
  }

  /** Whether what ran here last was withdrawn by signed control; the packages are gone then. */
  private async wasKilled(app: string): Promise<boolean> {
    const { tree, packages } = this.ready().device;
    const { highestStarted } = await packages.state(app);
    const control = await tree.obeyedControl(app);
    return control?.killed.some((each) => each.sequence === highestStarted) ?? false;
  }

  private async confirmed(app: string, what: Confirmation): Promise<boolean> {
    const found = this.entry(app);
    if (found === undefined || this.asker === null) return false;
    if (what.kind === "sign") {
      const { title, order } = what.signing;
      return this.asker.confirm(found, { kind: "sign", title, order, amount: null });
    }
    const { title, order, amount } = what.payment;
    return this.asker.confirm(found, {
      kind: "pay",
      title,
      order,
      amount: { minor: amount.value_minor, currency: amount.currency },
    });
  }

  private entry(app: string): CatalogueApp | undefined {
    const trial = this.trial?.entry;
    return this.state.apps.find((each) => each.id === app) ?? (trial?.id === app ? trial : undefined);
  }

  private async shellFacts(): Promise<readonly Fact[]> {
    const { session, events } = this.ready();
    const status = await session.status();
    return [
      { name: "fact_workspace", value: this.facts?.workspace ?? NOTHING },
      { name: "fact_client_app", value: this.facts?.client_app ?? NOTHING },
      { name: "fact_device", value: status?.device ?? NOTHING },
      { name: "fact_customer", value: status?.customer ?? NOTHING },
      { name: "tier", value: this.state.tier, says: this.state.tier },
      { name: "fact_events", value: String(await events.size()) },
      { name: "fact_tree", value: this.facts?.trust.profile ?? NOTHING },
    ];
  }

  private async appFacts(app: string): Promise<readonly Fact[]> {
    const { device, session } = this.ready();
    const { current, kept, highestStarted } = await device.packages.state(app);
    const control = await device.tree.obeyedControl(app);
    const own: Fact[] = [
      { name: "fact_app", value: app },
      { name: "version", value: named(current) },
      { name: "digest", value: current?.digest ?? NOTHING },
      { name: "fact_kept", value: named(kept) },
      { name: "fact_highest", value: highestStarted > 0 ? String(highestStarted) : NOTHING },
      { name: "fact_serial", value: control ? String(control.serial) : NOTHING },
    ];
    try {
      const { body } = await session.call("GET", `/client/v1/apps/${app}/explain`);
      return [...own, ...whyFacts(isObject(body) ? body : {})];
    } catch {
      return own; // without the server there is no why
    }
  }

  /** What the signed manifest of the installed version asks for. */
  private async asked(app: string): Promise<readonly string[]> {
    const { packages } = this.ready().device;
    const { current } = await packages.state(app);
    const placed = current && (await packages.placed(app, current.digest));
    if (!placed) return [];
    const { permissions } = parseIndex(placed.index);
    return [...permissions.bridge, ...(permissions.network.length > 0 ? ["network.fetch"] : [])];
  }

  private tell(app: string, phase: AppPhase): void {
    this.phases.set(app, phase);
    if (phase.step === "opening" && app !== trialKey(this.trial?.entry.id ?? "")) goToApp(app);
    this.notify();
  }

  private change(change: Partial<Snapshot>): void {
    this.state = { ...this.state, ...change };
    this.notify();
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }

  private ready(): Sampan {
    if (this.phone === null) throw new HostProblem("starting", "The app is still starting.");
    return this.phone;
  }
}

/** Let what failed be read: the server's sentence under its code. */
async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (problem) {
    if (!(problem instanceof ServerSaysNo)) throw problem;
    throw new HostProblem(problem.code, problem.message, String(problem.facts.trace_id ?? ""));
  }
}

/** Whether an app did not start on this device yet, so that it needs the network once. */
const neverRan = ({ current, highestStarted }: AppState): boolean => current === null || highestStarted === 0;

function meOf(body: unknown): Me {
  const { tier, customer }: Row = isObject(body) ? body : {};
  const named = isObject(customer) ? customer : null;
  return {
    tier: TIERS.find((each) => each === tier) ?? "visitor",
    customer: named && { name: text(named.name_masked), phone: text(named.phone_masked) },
  };
}

const named = (one: { version: string; sequence: number } | null): string =>
  one ? `${one.version} (${one.sequence})` : NOTHING;

/** Why the bank gives this version: its answer to `explain`, docs/protocols/shell.md. */
function whyFacts(told: Row): readonly Fact[] {
  const reason = WHY.find((each) => each === `why_${text(told.reason)}`);
  const offer = isObject(told.offer) ? told.offer : null;
  const killed = Array.isArray(told.killed) ? told.killed.join(", ") : "";
  return [
    { name: "why", value: text(told.says), ...(reason ? { says: reason } : {}) },
    { name: "fact_release", value: offer ? text(offer.release) : NOTHING },
    { name: "fact_offered", value: offer ? `${text(offer.version)} (${Number(offer.sequence)})` : NOTHING },
    { name: "fact_bank_serial", value: text(told.control_serial) || NOTHING },
    { name: "fact_killed", value: killed || NOTHING },
    { name: "fact_revision", value: text(told.revision) },
    { name: "tier", value: text(told.tier), ...saysTier(told.tier) },
  ];
}

function saysTier(told: unknown): { says?: Tier } {
  const says = TIERS.find((each) => each === told);
  return says ? { says } : {};
}

function theNumber(phone: string): string {
  const number = international(phone);
  if (number === null) throw new HostProblem(PHONE_INVALID, "This is no phone number.");
  return number;
}

function keepShellOffline(): void {
  if (!("serviceWorker" in navigator)) return;
  const policy = (globalThis as { trustedTypes?: TrustedTypesLike }).trustedTypes?.createPolicy("sampan-shell", {
    createScriptURL: (address) => {
      if (address !== "/sw.js") throw new TypeError("The shell has one worker.");
      return address;
    },
  });
  const address = (policy?.createScriptURL("/sw.js") ?? "/sw.js") as string;
  navigator.serviceWorker.register(address, { updateViaCache: "none" }).catch(console.error);
}

interface TrustedTypesLike {
  createPolicy(
    name: string,
    rules: { createScriptURL: (text: string) => string },
  ): {
    createScriptURL: (text: string) => unknown;
  };
}
