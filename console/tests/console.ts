/** The whole console in a page without a browser, before a server that answers from the types and refuses on demand. */

import { createElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import { vi } from "vitest";
import { answerTo } from "./schema";

export type Sent = { method: string; path: string; body: unknown };
export type Refusal = { status: number; code: string; detail?: string; fields?: readonly string[] };
/** What an answer has that is not as `answerTo` makes it, by path; lists are changed entry by entry. */
export type Answers = Readonly<Record<string, unknown>>;

export const TRACE = "trace-0123456789";
export const sentenceAt = (field: string) => `Refused at ${field}.`;
const ROOT = /^(\/w\/[^/]+)?\/console\/api\/v1/;
const sources: Record<string, string> = import.meta.glob("../src/**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});
export const code: ReadonlyMap<string, string> = new Map(
  Object.entries(sources)
    .map(([path, text]) => [path.replace("../src/", ""), text] as const)
    .filter(([path]) => !path.endsWith(".d.ts")),
);
const PERMISSIONS = [...new Set([...code.values()].flatMap((text) => text.match(/"[a-z_]+:[a-z_]+"/g) ?? []))].map(
  (quoted) => quoted.slice(1, -1),
);

export class Console {
  readonly sent: Sent[] = [];
  refusal: Refusal | null = null;
  private waiting = 0;
  private root: Root | null = null;

  constructor(
    private readonly answers: Answers = {},
    private readonly isSignedIn = true,
  ) {}

  /** Opens the console at a page, everything anew. */
  async open(path: string): Promise<void> {
    vi.resetModules();
    localStorage.clear();
    localStorage.setItem("sampan.language", "en");
    vi.stubGlobal("fetch", (input: Request | string | URL) => this.answer(new Request(input)));
    vi.stubGlobal("EventSource", Silent);
    vi.stubGlobal("matchMedia", (media: string) => ({ media, matches: media.includes("reduce"), ...LISTENING }));
    location.href = `http://localhost/console${path}`;
    document.body.innerHTML = "";
    const { App } = await import("../src/app/App");
    await import("../src/i18n");
    this.root = createRoot(document.body.appendChild(document.createElement("div")));
    this.root.render(createElement(App));
    await vi.waitFor(() => {
      if (!document.querySelector("h1") || document.querySelector(".bones, .spinner")) throw new Error(`${path} waits`);
    }, WAIT);
    await this.settled();
  }

  close(): void {
    this.root?.unmount();
    document.body.innerHTML = "";
    vi.unstubAllGlobals();
  }

  /** Resolves when the server has answered everything and the page shows it. */
  async settled(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet += 1) {
      await new Promise((done) => setTimeout(done, 5));
      if (this.waiting > 0 || document.querySelector("main .bones")) quiet = -1;
    }
  }

  private async answer(request: Request): Promise<Response> {
    this.waiting += 1;
    try {
      return await this.found(request);
    } finally {
      this.waiting -= 1;
    }
  }

  private async found(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname.replace(ROOT, "");
    const { method } = request;
    if (method === "GET") {
      if (path === "/session" && !this.isSignedIn) return refused({ status: 401, code: "session_needed" });
      const more = path === "/session" ? { permissions: PERMISSIONS, limited: [] } : this.answers[path];
      return Response.json(merged(answerTo(method, path), more));
    }
    const text = await request.text();
    this.sent.push({ method, path, body: text === "" ? null : JSON.parse(text) });
    if (this.refusal) return refused(this.refusal);
    return Response.json(merged(answerTo(method, path), this.answers[`${method} ${path}`]));
  }
}

export const WAIT = { timeout: 30_000, interval: 10 };
const LISTENING = {
  addEventListener: () => {},
  removeEventListener: () => {},
  addListener: () => {},
  removeListener: () => {},
};

class Silent {
  addEventListener(): void {}
  close(): void {}
}

function refused({ status, code, detail, fields = [] }: Refusal): Response {
  const errors = fields.map((field) => ({ field, message: sentenceAt(field), code: "wrong_form" }));
  const body = { code, detail: detail ?? `Refused: ${code}.`, trace_id: TRACE, errors };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}

function merged(value: unknown, more: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(more)) return more.map((one, n) => merged(value[n] ?? value[0], one));
  if (isRecord(value) && isRecord(more))
    return {
      ...value,
      ...Object.fromEntries(Object.entries(more).map(([key, one]) => [key, merged(value[key], one)])),
    };
  return more === undefined ? value : more;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
