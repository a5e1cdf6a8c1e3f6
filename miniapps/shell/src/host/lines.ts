import type { DeveloperLine } from "./host";

const MOST_LINES = 200;

/** What happened in each app, for the developer panel: the last lines, forgotten when the page goes. */
export class Lines {
  private readonly lines = new Map<string, DeveloperLine[]>();

  add(app: string, kind: DeveloperLine["kind"], text: string, isProblem: boolean): void {
    const kept = this.lines.get(app) ?? [];
    kept.push({ atMs: Date.now(), kind, text, isProblem });
    this.lines.set(app, kept.slice(-MOST_LINES));
  }

  of(app: string): readonly DeveloperLine[] {
    return [...(this.lines.get(app) ?? [])].reverse();
  }
}
