import { codeOf, type Round, type Sampan, ServerAway, ServerSaysNo } from "@sampan/sdk";
import type { Board } from "./board";
import type { Lines } from "./lines";

const EVENTS_AFTER_MS = 2_000;

/** Rounds with the server: one at a time, the next at the latest when the server says so. */
export class Rounds {
  private thisRound: Promise<void> = Promise.resolve();
  private nextRound: Promise<void> | null = null;
  private checkTimer = 0;

  /** `answered` is awaited after the bank's answers, `done` after each round, also one that failed. */
  constructor(
    private readonly board: Board,
    private readonly ready: () => Sampan,
    private readonly happened: Lines,
    private readonly answered: () => Promise<void>,
    private readonly done: () => Promise<void>,
  ) {}

  /** One round, begun after this call: what was asked for before it is seen. Several callers share it. */
  sync(): Promise<void> {
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
      this.note(round.happenings);
      this.board.change({ online: true });
      if (!round.happenings.some(({ what }) => what === "unsure")) await this.answered();
    } catch (problem) {
      if (problem instanceof ServerAway) this.board.change({ online: false });
      const code = problem instanceof ServerSaysNo ? problem.code : codeOf(problem);
      this.happened.add("", "network", `sync ${code}`, true);
    }
    await this.done();
    clearTimeout(this.checkTimer);
    this.checkTimer = window.setTimeout(() => void this.sync(), seconds * 1000 * (1 + Math.random() / 10));
    setTimeout(() => void events.send().catch(() => undefined), EVENTS_AFTER_MS);
  }

  private note(happenings: Round["happenings"]): void {
    for (const { what, app, code } of happenings) {
      if (app && code) this.happened.add(app, "error", `sync ${what} ${code}`, true);
    }
  }
}
