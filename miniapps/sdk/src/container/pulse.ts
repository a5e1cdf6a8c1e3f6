/** Is the page of an app alive? Asked while somebody can see it; a hidden tab's timers sleep, so it is not judged. */

export const PULSE_MS = 5_000;
/** A page that is silent for so many questions hangs, or its process is gone. */
export const MAX_MISSED = 3;

export class Pulse {
  private timer: ReturnType<typeof setInterval> | undefined;
  private missed = 0;

  constructor(
    private readonly ask: () => void,
    private readonly onSilence: () => void,
    private readonly isVisible: () => boolean = () => document.visibilityState === "visible",
  ) {}

  /** Begin, or begin anew with a new page. */
  start(): void {
    this.stop();
    this.missed = 0;
    this.timer = setInterval(() => this.beat(), PULSE_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  heard(): void {
    this.missed = 0;
  }

  private beat(): void {
    if (!this.isVisible()) {
      this.missed = 0;
      return;
    }
    if (this.missed >= MAX_MISSED) {
      this.stop();
      this.onSilence();
      return;
    }
    this.missed += 1;
    this.ask();
  }
}
