/** Did a version start? One clock and one verdict for each opening. */

/** A page that shows nothing and says nothing for so long has not started. */
export const BOOT_TIMEOUT_MS = 15_000;

export type Verdict = "booted" | "white_screen" | "boot_timeout";

export class Watchdog {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isDone = false;

  constructor(private readonly onVerdict: (verdict: Verdict) => void) {}

  start(): void {
    this.stop();
    this.isDone = false;
    this.timer = setTimeout(() => this.decide("boot_timeout"), BOOT_TIMEOUT_MS);
  }

  /** The runtime reports; only the first report of an opening counts. */
  decide(verdict: Verdict): void {
    if (this.isDone) return;
    this.stop();
    this.onVerdict(verdict);
  }

  stop(): void {
    this.isDone = true;
    clearTimeout(this.timer);
  }
}
