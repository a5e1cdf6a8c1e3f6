/**
 * The empty pages that closed apps leave behind for a while: an app that is opened again soon finds its process and its
 * worker running. Such a page has no script and gives the worker no orders, and it goes before its app runs again.
 */

import { IDLE } from "../origin/direct";
import { makeElement } from "./frame";

/** A process each, so for few and not for long. */
const MAX_IDLE = 2;
export const IDLE_MS = 120_000;

interface Idle {
  readonly frame: HTMLIFrameElement;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class IdlePages {
  private readonly pages = new Map<string, Idle>();

  constructor(private readonly mount: () => HTMLElement) {}

  /** Keep the process of an app that has just been closed, or may be opened in a moment. */
  keep(app: string, origin: string): void {
    if (this.pages.has(app)) return;
    const mount = this.mount();
    const frame = makeElement(mount.ownerDocument, origin + IDLE, "");
    mount.append(frame);
    this.pages.set(app, { frame, timer: setTimeout(() => this.drop(app), IDLE_MS) });
    const [oldest] = this.pages.keys();
    if (this.pages.size > MAX_IDLE && oldest !== undefined) this.drop(oldest);
  }

  drop(app: string): void {
    const found = this.pages.get(app);
    this.pages.delete(app);
    clearTimeout(found?.timer);
    found?.frame.remove();
  }
}
