/** HTTP as the platform speaks it: one request, one bounded answer, problems as errors with the server's own code. */

import { joined } from "../download/http";
import { isObject, type Json, type JsonObject } from "../trust/canonical";

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 20_000;

/** No answer, or none that is the protocol's; what is installed keeps opening. */
export class ServerAway extends Error {
  override readonly name = "ServerAway";
  constructor(
    readonly code: "server_away" | "answer_unreadable",
    message: string,
  ) {
    super(message);
  }
}

/** A refusal under the server's own code. */
export class ServerSaysNo extends Error {
  override readonly name = "ServerSaysNo";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly facts: JsonObject,
    /** What `Retry-After` said, else null. */
    readonly retryAfterSeconds: number | null,
  ) {
    super(message);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

export class Calls {
  readonly base: string;

  /** `base` is the address that proofs name: `https://bank.example` or `https://bank.example/w/<workspace>`. */
  constructor(
    base: string,
    private readonly request: typeof fetch = (...given) => fetch(...given),
  ) {
    this.base = base.replace(/\/$/, "");
  }

  /** Return the address of a call, as proofs must name it. */
  url(path: string): string {
    return this.base + path;
  }

  /** Send one request and return its answer, whatever the status; throws `ServerAway`. */
  async send(method: string, path: string, body?: Json, headers: Record<string, string> = {}): Promise<Answer> {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const kind: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
    try {
      const answer = await this.request(this.url(path), {
        ...content,
        method,
        headers: { ...kind, ...headers },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: answer.status, headers: answer.headers, body: await bodyOf(answer, path) };
    } catch (problem) {
      if (problem instanceof ServerAway) throw problem;
      throw new ServerAway("server_away", `No answer from ${this.base}; it is tried again later.`);
    }
  }
}

/** Return the answer when its status is below 400, else throw `ServerSaysNo`. */
export function orProblem(answer: Answer): Answer {
  if (answer.status < 400) return answer;
  const { code, detail, ...facts } = isObject(answer.body) ? answer.body : {};
  const isOurs = typeof code === "string" && typeof detail === "string";
  const told = isOurs ? detail : "A status without a problem document; is a proxy between?";
  const after = Number(answer.headers.get("retry-after"));
  const wait = Number.isInteger(after) && after > 0 ? after : null;
  throw new ServerSaysNo(answer.status, isOurs ? code : "foreign_answer", told, facts, wait);
}

async function bodyOf(answer: Response, path: string): Promise<Json> {
  const reader = answer.body?.getReader();
  if (reader === undefined) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new ServerAway("answer_unreadable", `More than ${MAX_ANSWER_BYTES} bytes came for ${path}.`);
    }
    chunks.push(value);
  }
  return parsed(new TextDecoder().decode(joined(chunks, size)), answer, path);
}

function parsed(text: string, answer: Response, path: string): Json {
  if (text === "") return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    if (answer.status >= 400) return null; // some proxy's page; its status is told all the same
    throw new ServerAway("answer_unreadable", `The answer of ${path} is no JSON.`);
  }
}
