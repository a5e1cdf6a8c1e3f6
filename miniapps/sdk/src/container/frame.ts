/** One iframe on an app's origin. Made for one boot; removed, never reused. */

import { BRIDGE_VERSION, type Hello, type PortGrant } from "../bridge/protocol";
import { NOT_READY } from "../origin/direct";
import type { Need, Wanted } from "../origin/messages";
import { BootChannel, type Booted, HELLO_TIMEOUT_MS, type Supply } from "./boot_channel";

/** A document may be replaced often, a hello is cheap; more than this is an attack on the shell. */
const MAX_HELLOS = 30;
const HELLO_WINDOW_MS = 10_000;
/** Hello and load come from another process by two ways, so that a hello may be heard a little after its load. */
const LATE_HELLO_MS = 2_000;

export const BOOT = "/__boot";

/** What a frame tells the one who made it. */
export interface FrameListener {
  /** A document of the app has begun; `port` is its bridge. */
  onDocument(hello: Hello, port: MessagePort): void;
  onFlood(): void;
  /** The frame shows something that is no page of the app: it navigated itself away. */
  onLeft(): void;
}

export class OriginFrame {
  readonly element: HTMLIFrameElement;
  private readonly channel: BootChannel;
  private hellos: number[] = [];
  /** Whether the document that loads now has said hello. */
  private hasSaidHello = false;
  private hasLoaded = false;
  /** Runs out when a document loaded and no hello follows. */
  private late: ReturnType<typeof setTimeout> | null = null;
  private isRunning = false;
  private listener: FrameListener | null = null;
  private isClosed = false;
  /** Settles a frame that begins with a page of the app; does nothing later, and nothing in a frame that boots. */
  private arrive: (isThere: boolean) => void = () => undefined;
  private readonly connected: Promise<void>;

  /** `page` is the address in the origin to begin with instead of the boot page: `begin` then, not `boot`. */
  constructor(
    private readonly origin: string,
    mount: HTMLElement,
    title: string,
    bootPath = BOOT,
    page: string | null = null,
  ) {
    const nonce = crypto.randomUUID();
    this.element = makeElement(mount.ownerDocument, origin + (page ?? `${bootPath}#${nonce}`), title);
    this.channel = new BootChannel(this.element, origin, nonce);
    this.element.addEventListener("load", this.onLoad);
    mount.append(this.element);
    this.connected = page === null ? this.channel.connect() : Promise.resolve();
    this.connected.catch(() => undefined); // told by whoever waits for it
  }

  /** Make `wanted` ready and go to `entry`. From then on the listener hears of the app's documents. */
  async boot(
    wanted: Wanted,
    entry: string,
    heal: boolean,
    supply: (need: Need) => Promise<Supply>,
    listener: FrameListener,
  ): Promise<Booted> {
    await this.connected;
    this.listen(listener);
    const booted = await this.channel.prepare({ type: "prepare", wanted, entry, heal }, supply);
    this.isRunning = true;
    return booted;
  }

  /**
   * Wait for the first document of a frame that was made with a page's address. True when the worker gave the page,
   * of which the listener hears; false when the boot page must be asked, and this frame is of no use.
   */
  async begin(listener: FrameListener): Promise<boolean> {
    this.listen(listener);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.arrive(false), HELLO_TIMEOUT_MS);
      this.arrive = (isThere) => {
        this.arrive = () => undefined;
        this.isRunning = isThere;
        clearTimeout(timer);
        resolve(isThere);
      };
    });
  }

  /** Delete what the origin stores, without running an app. */
  async clear(what: { data: boolean; packages: boolean }): Promise<void> {
    await this.connected;
    await this.channel.clear(what);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.arrive(false);
    this.stopWaiting();
    removeEventListener("message", this.hear);
    this.channel.close();
    this.element.remove();
  }

  private listen(listener: FrameListener): void {
    this.listener = listener;
    addEventListener("message", this.hear);
  }

  private readonly hear = (event: MessageEvent<Partial<Hello> | null>) => {
    const target = this.element.contentWindow;
    if (target === null || event.source !== target) return;
    if (event.origin !== this.origin) {
      this.listener?.onLeft();
      return;
    }
    if (!isHello(event.data)) return;
    if (this.isFlood(performance.now())) {
      this.listener?.onFlood(); // whatever the hello says: each one costs the shell the same
      return;
    }
    this.arrive(event.data.refused !== NOT_READY);
    if (event.data.refused === NOT_READY) return;
    if (this.late === null) this.hasSaidHello = true;
    else this.stopWaiting(); // the hello of what has loaded already
    const { port1, port2 } = new MessageChannel();
    const grant: PortGrant = { sampan: "port", nonce: event.data.nonce };
    target.postMessage(grant, this.origin, [port2]);
    this.listener?.onDocument(event.data, port1);
  };

  /**
   * The runtime is the first script of every page of the app, so each load has its own hello. The first load of a frame
   * that boots is the boot page's, whenever it is heard.
   */
  private readonly onLoad = () => {
    this.arrive(false);
    const isMissing = this.isRunning && this.hasLoaded && !this.hasSaidHello;
    this.hasSaidHello = false;
    this.hasLoaded = true;
    if (!isMissing) return;
    if (this.late === null) this.late = setTimeout(() => this.listener?.onLeft(), LATE_HELLO_MS);
    else this.listener?.onLeft();
  };

  private stopWaiting(): void {
    if (this.late !== null) clearTimeout(this.late);
    this.late = null;
  }

  private isFlood(nowMs: number): boolean {
    this.hellos = [...this.hellos.filter((each) => nowMs - each < HELLO_WINDOW_MS), nowMs];
    return this.hellos.length > MAX_HELLOS;
  }
}

function isHello(data: Partial<Hello> | null): data is Hello {
  return (
    data?.sampan === "hello" &&
    data.version === BRIDGE_VERSION &&
    typeof data.nonce === "string" &&
    data.nonce.length <= 64 &&
    typeof data.digest === "string" &&
    typeof data.sequence === "number"
  );
}

/**
 * Scripts and its own storage, nothing more: no pop-ups, downloads, dialogues or way to the top. `allow-forms` lets
 * submit handlers run; the app's policy (`form-action 'none'`) keeps forms from going anywhere.
 */
export function makeElement(document: Document, src: string, title: string): HTMLIFrameElement {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms");
  frame.setAttribute("allow", "");
  frame.referrerPolicy = "no-referrer";
  frame.title = title;
  Object.assign(frame.style, { border: "0", width: "100%", height: "100%" });
  frame.src = src;
  return frame;
}
