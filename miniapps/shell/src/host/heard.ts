import { isObject, text } from "./read";

/** One call of the shell to the bank, or of an app through it, for the developer panel. */
export interface HeardCall {
  /** The app it was made for; empty for the shell itself. */
  app: string;
  text: string;
  isProblem: boolean;
  /** What the bank's log has it under. */
  trace: string;
}

const OF_APP = /^\/client\/v1\/apps\/([^/]+)\/([a-z]+)$/;
/** An app's answer is read for its status only up to this size. */
const MAX_READ_BYTES = 512 * 1024;

/** Return a `fetch` that tells of every call. Bodies and tokens are not told, only where an app's request went. */
export function heardFetch(tell: (call: HeardCall) => void, request: typeof fetch = fetch): typeof fetch {
  return async (input, init) => {
    const began = performance.now();
    const { app, what, isFetch } = named(String(input), init);
    const took = (): string => `${Math.round(performance.now() - began)} ms`;
    try {
      const answer = await request(input, init);
      const trace = answer.headers.get("x-trace-id") ?? "";
      const status = isFetch && answer.ok ? await innerStatus(answer) : answer.status;
      tell({ app, text: `${what} ${status}, ${took()}`, isProblem: status >= 400, trace });
      return answer;
    } catch (problem) {
      tell({ app, text: `${what} –, ${took()}`, isProblem: true, trace: "" });
      throw problem;
    }
  };
}

function named(address: string, init?: RequestInit): { app: string; what: string; isFetch: boolean } {
  const path = new URL(address, location.origin).pathname.replace(/^\/w\/[^/]+/, "");
  const [, app = "", act = ""] = OF_APP.exec(path) ?? [];
  const isFetch = act === "fetch";
  const told = isFetch ? parsed(init?.body) : null;
  const what = isObject(told) ? `${text(told.method) || "GET"} ${text(told.url)}` : `${init?.method ?? "GET"} ${path}`;
  return { app, what, isFetch };
}

/** What the app's own server answered, inside the bank's answer. */
async function innerStatus(answer: Response): Promise<number> {
  if (Number(answer.headers.get("content-length") ?? MAX_READ_BYTES) >= MAX_READ_BYTES) return answer.status;
  const told = parsed(await answer.clone().text());
  return isObject(told) && typeof told.status === "number" ? told.status : answer.status;
}

function parsed(body: unknown): unknown {
  try {
    return typeof body === "string" ? JSON.parse(body) : null;
  } catch {
    return null;
  }
}
