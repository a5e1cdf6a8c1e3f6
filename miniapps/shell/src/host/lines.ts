import { isPermitted, type MethodName, type Permissions } from "@sampan/sdk";
import type { DeveloperLine, PermissionUse } from "./host";

const MOST_LINES = 200;
const MOST_METHODS = 40;
const NO_PERMISSIONS: Permissions = { bridge: [], network: [], webview: [] };
const NONE: readonly DeveloperLine[] = [];

/** What happened in each app, for the developer panel: the last lines of each kind, forgotten when the page goes. */
export class Lines {
  private readonly lines = new Map<string, readonly DeveloperLine[]>();

  private readonly uses = new Map<string, Map<string, { used: number; refused: number }>>();

  /** Add a line; one that says the same as the newest of its kind raises that one's number instead. */
  add(app: string, kind: DeveloperLine["kind"], text: string, isProblem: boolean, trace = ""): void {
    const kept = this.lines.get(app) ?? NONE;
    const same = kept.filter((each) => each.kind === kind);
    const isAgain = trace === "" && same[0]?.text === text && same[0].isProblem === isProblem;
    const gone = isAgain ? same[0] : same[MOST_LINES - 1];
    const line: DeveloperLine = { atMs: Date.now(), kind, text, isProblem };
    if (trace !== "") line.trace = trace;
    if (isAgain) line.times = (same[0]?.times ?? 1) + 1;
    this.lines.set(app, [line, ...kept.filter((each) => each !== gone)]);
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
      isFree: isPermitted(name as MethodName, NO_PERMISSIONS),
      ...(uses.get(name) ?? { used: 0, refused: 0 }),
    }));
  }

  /** The newest first; the same list until another line is added. */
  of(app: string): readonly DeveloperLine[] {
    return this.lines.get(app) ?? NONE;
  }
}
