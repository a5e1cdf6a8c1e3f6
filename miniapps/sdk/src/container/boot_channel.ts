/** The shell's end of a boot page: waits for its hello, hands over the port, answers what it asks for. */

import type { BootHello, FromBoot, Need, ToBoot } from "../origin/messages";
import { ContainerProblem, problem } from "./problem";

/** How long an origin may take to show its boot page, and how long the boot page may take for one answer. */
export const HELLO_TIMEOUT_MS = 10_000;
export const ANSWER_TIMEOUT_MS = 60_000;

export interface Booted {
  readonly hadWorker: boolean;
  /** Why packages had to be sent, or null when everything was there. */
  readonly sent: string | null;
}

export type Supply = Extract<ToBoot, { type: "supply" }>;

/** One boot page in one iframe. */
export class BootChannel {
  private port: MessagePort | null = null;
  private stopWaiting: () => void = () => undefined;

  constructor(
    private readonly frame: HTMLIFrameElement,
    private readonly origin: string,
    private readonly nonce: string,
  ) {}

  /** Wait for the page. Rejects with `origin_unreachable`. */
  async connect(): Promise<void> {
    await this.hello();
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.frame.contentWindow?.postMessage({ sampan: "port", nonce: this.nonce }, this.origin, [port2]);
  }

  /** Have a version made ready; `supply` is asked when the origin lacks packages. Rejects with the refusal's code. */
  async prepare(order: Extract<ToBoot, { type: "prepare" }>, supply: (need: Need) => Promise<Supply>): Promise<Booted> {
    const first = await this.ask(order);
    if (first.type !== "need") return { hadWorker: hadWorker(first), sent: null };
    const second = await this.ask(await supply(first));
    if (second.type === "need")
      throw problem("store_missing", "The origin did not keep the packages that it was sent.");
    return { hadWorker: first.hadWorker, sent: first.why };
  }

  async clear(what: { data: boolean; packages: boolean }): Promise<void> {
    await this.ask({ type: "clear", ...what });
  }

  close(): void {
    this.stopWaiting();
    this.port?.close();
  }

  private hello(): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = () => {
        removeEventListener("message", hear);
        clearTimeout(timer);
      };
      this.stopWaiting = () => {
        finish();
        reject(problem("app_closed", "The frame is gone."));
      };
      const timer = setTimeout(() => {
        finish();
        reject(
          problem("origin_unreachable", "The app's origin did not answer; go online once and open the app again."),
        );
      }, HELLO_TIMEOUT_MS);
      const hear = (event: MessageEvent<Partial<BootHello> | null>) => {
        if (event.source !== this.frame.contentWindow || event.origin !== this.origin) return;
        if (event.data?.sampan !== "boot" || event.data.nonce !== this.nonce) return;
        finish();
        resolve();
      };
      addEventListener("message", hear);
    });
  }

  private ask(order: ToBoot): Promise<FromBoot> {
    const { port } = this;
    if (port === null) throw problem("app_closed", "The frame is gone.");
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(problem("worker_unavailable", "The app's worker gave no answer; close the app and open it again."));
      }, ANSWER_TIMEOUT_MS);
      port.onmessage = (event: MessageEvent<FromBoot>) => {
        clearTimeout(timer);
        const said = event.data;
        if (said.type === "refused") reject(new ContainerProblem(said.code, said.message));
        else resolve(said);
      };
      port.postMessage(order);
    });
  }
}

function hadWorker(said: FromBoot): boolean {
  return said.type === "ready" && said.hadWorker;
}
