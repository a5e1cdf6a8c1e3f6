import type { DeveloperLine } from "./host";

const MOST_LINES = 200;
const NONE: readonly DeveloperLine[] = [];

/** What happened in each app, for the developer panel: the last lines, forgotten when the page goes. */
export class Lines {
  private readonly lines = new Map<string, readonly DeveloperLine[]>();

  add(app: string, kind: DeveloperLine["kind"], text: string, isProblem: boolean): void {
    const kept = this.lines.get(app) ?? NONE;
    this.lines.set(app, [{ atMs: Date.now(), kind, text, isProblem }, ...kept].slice(0, MOST_LINES));
  }

  /** The newest first; the same list until another line is added. */
  of(app: string): readonly DeveloperLine[] {
    return this.lines.get(app) ?? NONE;
  }
}
