/** The one door to the server: typed by its OpenAPI, every refusal a `Problem`, the second factor asked where needed. */

import createFetchClient from "openapi-fetch";
import createClient from "openapi-react-query";
import { asProblem, Problem, problemOf } from "./problem";
import type { paths } from "./schema";
import { apiRoot } from "./workspace";

type Asking = {
  /** Asks for a fresh code and proves it; resolves false when the person gave up. */
  secondFactor: () => Promise<boolean>;
  signedOut: () => void;
};

const nobody: Asking = { secondFactor: async () => false, signedOut: () => {} };
let asking = nobody;

/** The frame says who asks the person; called once at start. */
export function setAsking(next: Partial<Asking>): void {
  asking = { ...asking, ...next };
}

/** `fetch` that repeats a dangerous act once the person proved the second factor. Throws `Problem`. */
export async function guardedFetch(request: Request): Promise<Response> {
  const again = await copy(request, request.url);
  const response = await fetch(request).catch((thrown) => Promise.reject(asProblem(thrown)));
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.code === "second_factor_needed" && (await asking.secondFactor())) {
    const second = await fetch(again).catch((thrown) => Promise.reject(asProblem(thrown)));
    if (second.ok) return second;
    throw await problemOf(second);
  }
  if (problem.isSignedOut && !request.url.endsWith("/session")) asking.signedOut();
  throw problem;
}

/**
 * The same request for another address. Its body is read whole: handed over as it is, Chromium would send it as a
 * stream, which it does over HTTP/2 alone (ERR_ALPN_NEGOTIATION_FAILED).
 */
async function copy(request: Request, url: string): Promise<Request> {
  const { method, headers, signal, credentials } = request;
  const body = request.body === null ? null : await request.clone().arrayBuffer();
  return new Request(url, { method, headers, signal, credentials, body });
}

// openapi-fetch joins `baseUrl` at creation; the workspace may change later, so it stands in for a placeholder.
const PLACE = "/__api__";

export const api = createFetchClient<paths>({
  baseUrl: typeof location === "undefined" ? `http://localhost${PLACE}` : `${location.origin}${PLACE}`,
  fetch: async (request) => guardedFetch(await copy(request, request.url.replace(PLACE, apiRoot()))),
});

/** `useQuery` and `useMutation` over the same paths. */
export const query = createClient(api);

/** Sends a file with progress, which `fetch` cannot tell. Resolves with the parsed answer, rejects with a `Problem`. */
export function sendFile<T>(
  path: string,
  file: Blob,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
  type = "application/octet-stream",
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", apiRoot() + path);
    request.setRequestHeader("content-type", type);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(asProblem(new Error("The connection was lost. Try again.")));
    request.onabort = () => reject(new Problem(0, "upload_stopped", "The upload was stopped."));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as T);
      else problemOf(new Response(request.responseText, { status: request.status })).then(reject, reject);
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
