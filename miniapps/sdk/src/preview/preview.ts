/**
 * A version that nobody has approved yet, running in a frame of a console. The same boot page, worker, policy and bridge
 * as in a shell; what is behind the bridge is made up. docs/protocols/preview.md tells what may be relied on.
 */

import { BridgeHost } from "../bridge/host";
import type { Hello, Note, Theme } from "../bridge/protocol";
import { OriginFrame } from "../container/frame";
import { problem } from "../container/problem";
import type { PackageBytes, Wanted } from "../origin/messages";
import { parseIndex } from "../trust/package-index";
import type { PackageIndex } from "../trust/types";
import { mockMethods } from "./mocks";

/** What the server says of a session. */
export interface PreviewFacts {
  readonly origin: string;
  readonly boot: string;
  readonly packages: readonly { readonly app: string; readonly sequence: number; readonly digest: string }[];
}

/** One package's bytes, in the order of the facts. */
export interface PreviewBytes {
  readonly index: Uint8Array<ArrayBuffer>;
  readonly archive: Blob;
}

export interface PreviewView {
  readonly theme: Theme;
  readonly language: string;
}

export interface PreviewEvents {
  /** A call of the bridge, with the code of its refusal or null. */
  onCall(method: string, code: string | null): void;
  onNote(note: Note): void;
  /** The frame was closed because of what the app did. */
  onStopped(code: string): void;
}

const NO_CHAIN = { roots: [], targets: new Uint8Array(), role: new Uint8Array() };

export class Preview {
  private readonly frame: OriginFrame;
  private host: BridgeHost | null = null;
  private readonly methods = mockMethods();
  private index: PackageIndex | null = null;

  constructor(
    private readonly facts: PreviewFacts,
    mount: HTMLElement,
    title: string,
    private view: PreviewView,
    private readonly events: PreviewEvents,
  ) {
    this.frame = new OriginFrame(facts.origin, mount, title, facts.boot);
    this.paint();
  }

  /** Hand the packages over and show the first page. Rejects with a `ContainerProblem` or a `Refused`. */
  async start(packages: readonly PreviewBytes[]): Promise<void> {
    const [app, ...shared] = this.facts.packages;
    const [own] = packages;
    if (app === undefined || own === undefined) throw problem("store_missing", "The preview has no package.");
    this.index = parseIndex(own.index);
    const wanted: Wanted = {
      app: app.app,
      sequence: app.sequence,
      digest: app.digest,
      shared: shared.map(({ app: id, sequence, digest }) => ({ id, sequence, digest })),
      keep: [],
    };
    const sent = this.facts.packages.flatMap(({ digest }, at): PackageBytes[] => {
      const bytes = packages[at];
      return bytes === undefined ? [] : [{ digest, ...bytes }];
    });
    const chains = Object.fromEntries(this.facts.packages.map((each) => [each.app, NO_CHAIN]));
    const entry = `/${this.index.pages[0] ?? "index"}.html`;
    await this.frame.boot(wanted, entry, false, async () => ({ type: "supply", chains, packages: sent }), {
      onDocument: (hello, port) => this.onDocument(hello, port, app.digest),
      onFlood: () => this.stop("hello_flood"),
      onLeft: () => this.stop("left_origin"),
    });
  }

  /** Show the app in another theme or language, as a customer who changes it would. */
  look(view: PreviewView): void {
    this.view = view;
    this.paint();
    this.host?.emit("theme", view.theme);
    this.host?.emit("language", { language: view.language });
  }

  close(): void {
    this.host?.close();
    this.host = null;
    this.frame.close();
  }

  /** `prefers-color-scheme` inside a frame follows the scheme of its element. */
  private paint(): void {
    this.frame.element.style.colorScheme = this.view.theme.scheme;
  }

  private stop(code: string): void {
    this.close();
    this.events.onStopped(code);
  }

  private onDocument(hello: Hello, port: MessagePort, digest: string): void {
    if (hello.refused !== undefined) {
      this.stop(hello.refused);
      return;
    }
    if (hello.digest !== digest || this.index === null) {
      this.stop("served_other_version");
      return;
    }
    this.host?.close();
    this.host = new BridgeHost(port, {
      permissions: this.index.permissions,
      methods: this.methods,
      mayMoveMoney: true,
      consents: async () => true,
      onNote: (note) => this.events.onNote(note),
      onCall: (method, code) => this.events.onCall(method, code),
      now: () => performance.now(),
    });
    const { theme, language } = this.view;
    this.host.welcome({ app: this.index.app, theme, language, params: null, debug: false });
    this.host.emit("launch", { params: null });
    this.host.emit("show", { params: null });
  }
}
