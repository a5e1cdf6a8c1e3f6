import type { AppPhase, CatalogueApp, Snapshot } from "./host";
import { trialKey } from "./host";
import { goToApp } from "./stage";

const CLOSED: AppPhase = { step: "closed" };

/** What the pages see of the platform, and who is told when it changes. */
export class Board {
  readonly phases = new Map<string, AppPhase>();
  private readonly listeners = new Set<() => void>();
  private trial: CatalogueApp | null = null;
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
    upgrade: null,
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

  tell(app: string, phase: AppPhase): void {
    this.phases.set(app, phase);
    if (phase.step === "opening" && app !== trialKey(this.trial?.id ?? "")) goToApp(app);
    this.notify();
  }

  forget(app: string): void {
    this.phases.delete(app);
    this.notify();
  }

  change(change: Partial<Snapshot>): void {
    this.state = { ...this.state, ...change };
    this.notify();
  }

  notify(): void {
    for (const listener of this.listeners) listener();
  }

  /** Name the app that is on trial, which may not be in the catalogue; null when there is none. */
  onTrial(app: CatalogueApp | null): void {
    this.trial = app;
  }

  entry(app: string): CatalogueApp | undefined {
    const { trial } = this;
    return this.state.apps.find((each) => each.id === app) ?? (trial?.id === app ? trial : undefined);
  }

  isOnline(): boolean {
    return navigator.onLine && this.state.online;
  }
}
