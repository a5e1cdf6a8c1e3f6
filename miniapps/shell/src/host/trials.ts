import { type Container, codeOf, type Sampan, type ShellFacts, startTrial } from "@sampan/sdk";
import { HostProblem } from "../pages/problem";
import { asked } from "./asked";
import type { Board } from "./board";
import type { Customer } from "./customer";
import type { CatalogueApp } from "./host";
import { trialKey } from "./host";
import type { Stage } from "./stage";
import { readTrial, trialEntry } from "./trial";

interface Trial {
  entry: CatalogueApp;
  container: Container | null;
}

/** The version on trial that a tester looks at: one at a time, apart from the customers' store and origin. */
export class Trials {
  private trial: Trial | null = null;

  constructor(
    private readonly board: Board,
    private readonly ready: () => Sampan,
    private readonly facts: () => ShellFacts | null,
    private readonly stage: Stage,
    private readonly customer: Customer,
  ) {}

  get container(): Container | null {
    return this.trial?.container ?? null;
  }

  async open(app: string, sequence: number): Promise<void> {
    this.close();
    const phone = this.ready();
    const key = trialKey(app);
    phone.container.close(app); // its data and the trial's never meet, but one frame of an app is enough
    const mine: Trial = { entry: trialEntry(app, this.board.entry(app)), container: null };
    this.take(mine);
    this.board.tell(key, { step: "installing" });
    try {
      const container = await this.started(phone, app, sequence);
      if (this.trial !== mine) return;
      mine.container = container;
      container.on("booted", () => this.board.tell(key, { step: "running" }));
      container.on("crashed", ({ code }) => this.board.tell(key, { step: "refused", refusal: { code, detail: "" } }));
      this.board.tell(key, { step: "opening" });
      await container.open(app);
      this.stage.show(key);
    } catch (problem) {
      if (this.trial !== mine) return;
      const code = problem instanceof HostProblem ? problem.code : codeOf(problem);
      const detail = problem instanceof Error ? problem.message : "";
      this.board.tell(key, { step: "refused", refusal: { code, detail } });
    }
  }

  close(): void {
    const { trial } = this;
    if (trial === null) return;
    this.take(null);
    trial.container?.close(trial.entry.id);
    this.board.forget(trialKey(trial.entry.id));
  }

  private take(trial: Trial | null): void {
    this.trial = trial;
    this.board.onTrial(trial?.entry ?? null);
  }

  private async started(phone: Sampan, app: string, sequence: number): Promise<Container> {
    const key = trialKey(app);
    const { body } = await asked(phone.session.call("GET", `/client/v1/trial/${encodeURIComponent(app)}/${sequence}`));
    const facts = this.facts();
    if (facts === null) throw new HostProblem("starting", "The app is still starting.");
    return startTrial(phone, readTrial(body), {
      facts,
      theme: this.customer.theme,
      language: this.customer.language,
      ui: {
        mount: () => this.stage.place(key),
        unmount: () => this.stage.unmount(key),
        title: (_app, title) => this.stage.title(key, title),
        confirm: (_app, what) => this.customer.confirmed(app, what),
      },
    });
  }
}
