/** The signed tree over HTTP. Nothing that comes is believed before it is verified. */

import type { FetchBytes } from "../trust/ports";
import { demand, isRefused, Refused } from "../trust/refused";

/** Yield the bytes of a file of the tree from an offset on; throws `trust_unreachable` when they do not come. */
export type FetchPieces = (path: string, offset: number) => AsyncIterable<Uint8Array>;

export interface TreeSource {
  readonly fetchBytes: FetchBytes;
  readonly fetchPieces: FetchPieces;
}

export interface HttpOptions {
  readonly fetch?: typeof fetch;
  /** For a whole metadata file, and for each piece of a package. */
  readonly timeoutMs?: number;
}

const GONE = [403, 404];
/** For what comes of a package in one go; the next round goes on from there. A server that drips holds up all the rest. */
const MOST_MS_AT_ONCE = 600_000;

/** `baseUrl` is `.../trust/<workspace>/<profile>`. */
export function httpTree(baseUrl: string, options: HttpOptions = {}): TreeSource {
  const base = baseUrl.replace(/\/$/, "");
  const request = options.fetch ?? fetch;
  const timeoutMs = options.timeoutMs ?? 20_000;
  return {
    fetchBytes: (path, maxBytes) => wholeFile(request, `${base}/${path}`, maxBytes, timeoutMs),
    fetchPieces: (path, offset) => pieces(request, `${base}/${path}`, offset, timeoutMs),
  };
}

async function wholeFile(
  request: typeof fetch,
  url: string,
  maxBytes: number,
  timeoutMs: number,
): Promise<Uint8Array | null> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  try {
    // The one file that changes under its name must never come from a cache.
    const cache = url.endsWith("/timestamp.json") ? "no-store" : "default";
    const answer = await request(url, { signal: stop.signal, cache, credentials: "omit", redirect: "error" });
    if (GONE.includes(answer.status)) return null;
    demand(answer.status === 200, "trust_unreachable", `${url} answered ${answer.status}.`);
    return await limited(answer, maxBytes, url);
  } catch (problem) {
    throw away(problem, url);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

async function limited(answer: Response, maxBytes: number, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of chunksOf(answer)) {
    received += chunk.length;
    demand(received <= maxBytes, "trust_too_long", `More than ${maxBytes} bytes came for ${url}.`);
    chunks.push(chunk);
  }
  return joined(chunks, received);
}

async function* pieces(
  request: typeof fetch,
  url: string,
  offset: number,
  timeoutMs: number,
): AsyncIterable<Uint8Array> {
  const stop = new AbortController();
  const end = setTimeout(() => stop.abort(), MOST_MS_AT_ONCE);
  let timer = setTimeout(() => stop.abort(), timeoutMs);
  try {
    const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    const answer = await request(url, { signal: stop.signal, headers, credentials: "omit", redirect: "error" });
    const isRange = answer.status === 206 && offset > 0;
    demand(answer.status === 200 || isRange, "trust_unreachable", `${url} answered ${answer.status}.`);
    let skip = isRange ? 0 : offset; // a server that ignores the range is read past the offset
    for await (const chunk of chunksOf(answer)) {
      clearTimeout(timer);
      const dropped = Math.min(skip, chunk.length);
      skip -= dropped;
      if (dropped < chunk.length) yield chunk.subarray(dropped);
      timer = setTimeout(() => stop.abort(), timeoutMs);
    }
  } catch (problem) {
    throw away(problem, url);
  } finally {
    clearTimeout(timer);
    clearTimeout(end);
    stop.abort();
  }
}

async function* chunksOf(answer: Response): AsyncIterable<Uint8Array> {
  const reader = answer.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** Return the bytes of all pieces in one array. */
export function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function away(problem: unknown, url: string): unknown {
  if (isRefused(problem)) return problem;
  return new Refused("trust_unreachable", `${url} cannot be fetched; nothing changes until it can.`);
}
