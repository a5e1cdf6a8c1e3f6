import { type Sampan, type ShellFacts, startSampan } from "@sampan/sdk";
import { version } from "../../package.json";
import { HostProblem } from "../pages/problem";
import { Account } from "./account";
import { asked } from "./asked";
import { Board } from "./board";
import { Catalogue } from "./catalogue";
import { Customer } from "./customer";
import { Developer } from "./developer";
import { heardFetch } from "./heard";
import type {
  AppPhase,
  Asker,
  Consent,
  DeveloperFacts,
  DeveloperLine,
  DeviceRow,
  Host,
  Snapshot,
  Tier,
  TrialState,
} from "./host";
import { Icons } from "./icons";
import { keepShellOffline } from "./keep_offline";
import { Lines } from "./lines";
import { listen } from "./listening";
import { followWakeUps } from "./live";
import { Opening } from "./opening";
import { Rounds } from "./rounds";
import { readFacts } from "./shell_facts";
import { Stage } from "./stage";
import { trialState } from "./trial_state";
import { Trials } from "./trials";
import { Upgrades } from "./upgrades";
import { enterWorkbench } from "./workbench";

const HOST_VERSION = 1;

export function createHost(): Host {
  return new BrowserHost();
}

/** The shell on the SDK: this browser is the device. Each part of it is in a file of its own. */
class BrowserHost implements Host {
  private phone: Sampan | null = null;
  private facts: ShellFacts | null = null;
  private readonly ready = (): Sampan => {
    if (this.phone === null) throw new HostProblem("starting", "The app is still starting.");
    return this.phone;
  };
  private readonly sync = (): Promise<void> => this.rounds.sync();
  private readonly board = new Board();
  private readonly happened = new Lines();
  private readonly customer = new Customer(this.board);
  private readonly stage = new Stage((app) => this.board.tell(app, { step: "opening" }));
  private readonly catalogue = new Catalogue(this.board, this.ready);
  private readonly account = new Account(this.board, this.ready, this.sync);
  private readonly opening = new Opening(this.board, this.ready, this.stage, this.catalogue, this.sync);
  private readonly trials = new Trials(this.board, this.ready, () => this.facts, this.stage, this.customer);
  private readonly panel = new Developer(this.board, this.ready, () => this.facts, this.happened);
  private readonly upgrades = new Upgrades(this.board, this.ready);
  private readonly rounds = new Rounds(
    this.board,
    this.ready,
    this.happened,
    () => this.answered(),
    async () => {
      await this.opening.stopForbidden();
      await this.catalogue.refresh();
    },
  );

  subscribe(listener: () => void): () => void {
    return this.board.subscribe(listener);
  }

  snapshot(): Snapshot {
    return this.board.snapshot();
  }

  phase(app: string): AppPhase {
    return this.board.phase(app);
  }

  stageAt(element: HTMLElement): void {
    this.stage.at(element);
  }

  askBy(asker: Asker): void {
    this.customer.asker = asker;
  }

  async start(): Promise<void> {
    keepShellOffline();
    try {
      await this.begin();
    } catch (problem) {
      console.error(problem);
      this.board.change({ phase: "unreachable" });
      addEventListener("online", () => location.reload(), { once: true });
    }
  }

  askCode(phone: string): Promise<string | null> {
    return this.account.askCode(phone, this.customer.language);
  }

  signIn(phone: string, code: string): Promise<void> {
    return this.account.signIn(phone, code);
  }

  signOut(): Promise<void> {
    return this.account.signOut();
  }

  raiseTo(tier: Tier): Promise<void> {
    return this.account.raiseTo(tier);
  }

  devices(): Promise<readonly DeviceRow[]> {
    return this.account.devices();
  }

  signOutDevice(id: string): Promise<void> {
    return this.account.signOutDevice(id);
  }

  consents(): Promise<readonly Consent[]> {
    return this.account.consents();
  }

  withdraw(app: string, permission: string): Promise<void> {
    return this.account.withdraw(app, permission);
  }

  async open(app: string): Promise<void> {
    await this.opening.open(app);
  }

  async deviceId(): Promise<string> {
    return (await this.ready().session.status())?.device ?? "";
  }

  async openTrial(app: string, sequence: number): Promise<void> {
    await this.trials.open(app, sequence);
  }

  async trialState(app: string, sequence: number): Promise<TrialState> {
    return this.facts === null ? "unknown" : trialState(this.facts, app, sequence);
  }

  closeTrial(): void {
    this.trials.close();
  }

  putOffUpgrade(): void {
    this.upgrades.putOff();
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
    this.board.forget(app);
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

  developer(app: string): Promise<DeveloperFacts> {
    return this.panel.of(app);
  }

  present(appearance: "light" | "dark", language: "zh" | "en", isLarge: boolean): void {
    this.customer.theme = { scheme: appearance, fontScale: isLarge ? 1.25 : 1 };
    this.customer.language = language;
    for (const container of [this.phone?.container, this.trials.container]) {
      container?.setTheme(this.customer.theme);
      container?.setLanguage(language);
    }
  }

  private async begin(): Promise<void> {
    const { facts, isDemo, workbench } = await readFacts();
    const phone = this.startOn(facts);
    this.phone = phone;
    this.facts = facts;
    this.catalogue.icons = new Icons(phone.store, `/trust/${facts.workspace}/${facts.trust.profile}/files`);
    listen(phone, this.board, this.happened, this.catalogue);
    this.followNetwork();
    this.board.change({ demo: isDemo, workbench: workbench ?? null });
    await this.account.showKept();
    await this.catalogue.refresh();
    if (workbench) await enterWorkbench(this, workbench);
    this.board.change({ phase: "ready" });
    await this.sync();
    await this.account.read();
    void followWakeUps(phone.session, () => void this.sync(), new AbortController().signal);
  }

  private async answered(): Promise<void> {
    await this.upgrades.answered();
    const { sync, switches } = this.ready();
    await switches.follow((await sync.members()).switches_etag).catch(() => undefined); // the last ones stay, and age
  }

  private startOn(facts: ShellFacts): Sampan {
    const { customer, stage } = this;
    return startSampan({
      facts,
      isDebugging: true,
      request: heardFetch(({ app, text: said, isProblem, trace }) => {
        this.happened.add(app, "network", said, isProblem, trace);
        this.board.notify();
      }),
      theme: customer.theme,
      language: customer.language,
      profile: () => ({
        platform: "web",
        app_version: version,
        host_version: HOST_VERSION,
        lang: customer.language,
      }),
      askConsent: (app, permission) => customer.consents(app, permission),
      ui: {
        mount: (app) => stage.mount(app),
        unmount: (app) => stage.unmount(app),
        title: (app, title) => stage.title(app, title),
        confirm: (app, what) => customer.confirmed(app, what),
      },
    });
  }

  private followNetwork(): void {
    for (const event of ["online", "offline"]) {
      addEventListener(event, () => {
        this.board.change({ online: navigator.onLine });
        if (navigator.onLine) void this.sync();
      });
    }
  }
}
