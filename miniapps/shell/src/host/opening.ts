import { type AppState, codeOf, isRefused, type Sampan } from "@sampan/sdk";
import { HostProblem } from "../pages/problem";
import type { Board } from "./board";
import type { Catalogue } from "./catalogue";
import type { Stage } from "./stage";

const [KILLED, OFFLINE] = ["open_killed", "offline"];

/** Opening apps, and ending those that may not run any more. */
export class Opening {
  constructor(
    private readonly board: Board,
    private readonly ready: () => Sampan,
    private readonly stage: Stage,
    private readonly catalogue: Catalogue,
    private readonly sync: () => Promise<void>,
  ) {}

  async open(app: string): Promise<void> {
    const { container, device, sync } = this.ready();
    if (container.running().includes(app)) {
      container.show(app);
      this.stage.show(app);
      return;
    }
    try {
      const state = await device.packages.state(app);
      const isOutdated = await sync.mustUpdate(app);
      this.board.tell(app, { step: state.current === null || isOutdated ? "installing" : "opening" });
      if (state.current === null || isOutdated) sync.want(app); // over any network, since somebody waits
      if (isOutdated && navigator.onLine) await this.sync();
      if (neverRan(state)) {
        // Its origin was not seen either: without a network there is nothing to wait for.
        if (navigator.onLine && (state.current === null || !this.board.snapshot().online)) await this.sync();
        if (!this.board.isOnline())
          throw new HostProblem(OFFLINE, "The app is not installed yet, and there is no network.");
      }
      await container.open(app, null, { fetched: state.current === null });
      this.stage.show(app);
      this.catalogue.remember(app);
    } catch (problem) {
      this.board.tell(app, { step: "refused", refusal: await this.refusalOf(app, problem) });
    }
  }

  /** End what runs and may not any more: killed, or the customer lost the tier. */
  async stopForbidden(): Promise<void> {
    const { container, device } = this.ready();
    for (const app of container.running()) {
      try {
        await device.mayOpen(app, Date.now());
      } catch (problem) {
        this.board.tell(app, { step: "refused", refusal: await this.refusalOf(app, problem) });
        container.close(app);
      }
    }
    // The catalogue forgets a killed app at once, its control file tells why a moment later.
    for (const [app, { refusal }] of this.board.phases) {
      if (refusal && refusal.code !== KILLED && (await this.wasKilled(app))) {
        this.board.tell(app, { step: "refused", refusal: { code: KILLED, detail: "" } });
      }
    }
  }

  private async refusalOf(app: string, problem: unknown): Promise<{ code: string; detail: string }> {
    const state = await this.ready().device.packages.state(app);
    if (await this.wasKilled(app)) return { code: KILLED, detail: "" };
    if (neverRan(state) && !this.board.isOnline()) return { code: OFFLINE, detail: "" };
    const detail = isRefused(problem) || problem instanceof Error ? problem.message : "";
    return { code: codeOf(problem), detail };
  }

  /** Whether what ran here last was withdrawn by signed control; the packages are gone then. */
  private async wasKilled(app: string): Promise<boolean> {
    const { tree, packages } = this.ready().device;
    const { highestStarted } = await packages.state(app);
    const control = await tree.obeyedControl(app);
    return control?.killed.some((each) => each.sequence === highestStarted) ?? false;
  }
}

/** Whether an app did not start on this device yet, so that it needs the network once. */
const neverRan = ({ current, highestStarted }: AppState): boolean => current === null || highestStarted === 0;
