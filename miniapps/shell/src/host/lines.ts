import type { DeveloperLine, PermissionUse } from "./host";

const MOST_LINES = 200;
const MOST_METHODS = 40;
const NONE: readonly DeveloperLine[] = [];

/** What happened in each app, for the developer panel: the last lines, forgotten when the page goes. */
export class Lines {
  private readonly lines = new Map<string, readonly DeveloperLine[]>();

  private readonly uses = new Map<string, Map<string, { used: number; refused: number }>>();

  add(app: string, kind: DeveloperLine["kind"], text: string, isProblem: boolean, trace = ""): void {
    const kept = this.lines.get(app) ?? NONE;
    const line = { atMs: Date.now(), kind, text, isProblem, ...(trace === "" ? {} : { trace }) };
    this.lines.set(app, [line, ...kept].slice(0, MOST_LINES));
  }

  /** Count a call of the bridge. Names come from the app: at most as many as there are methods are kept. */
  count(app: string, method: string, isRefused: boolean): void {
    const uses = this.uses.get(app) ?? new Map<string, { used: number; refused: number }>();
    this.uses.set(app, uses);
    const { used, refused } = uses.get(method) ?? { used: 0, refused: 0 };
    if (uses.size >= MOST_METHODS && !uses.has(method)) return;
    uses.set(method, isRefused ? { used, refused: refused + 1 } : { used: used + 1, refused });
  }

  /** What the manifest asks for and what was called, by name. */
  permissions(app: string, asked: readonly string[]): readonly PermissionUse[] {
    const uses = this.uses.get(app) ?? new Map<string, { used: number; refused: number }>();
    const names = [...new Set([...asked, ...uses.keys()])].sort();
    return names.map((name) => ({
      name,
      isAsked: asked.includes(name),
      ...(uses.get(name) ?? { used: 0, refused: 0 }),
    }));
  }

  /** The newest first; the same list until another line is added. */
  of(app: string): readonly DeveloperLine[] {
    return this.lines.get(app) ?? NONE;
  }
}
