/** From an address to an answer, for one opened app. Knows nothing of workers; a thrown `Refused` is the caller's. */

import { appPolicy, noticePolicy, PERMISSIONS_POLICY } from "./csp";
import { injectRuntime, type RuntimeFacts } from "./inject";
import { isDocument, mediaType } from "./mime";
import type { OpenedApp, OpenedPackage } from "./opened";
import { notFoundPage, refusedPage } from "./pages";
import { parseRange } from "./ranges";

const SHARED = "_shared/";

/** What is asked for; `isNavigation` when a document of a frame is to be replaced. */
export interface Asked {
  readonly path: string;
  readonly isNavigation: boolean;
  readonly range: string | null;
}

/** Return the headers that every answer of this origin carries. */
export function commonHeaders(policy: string, type: string): Record<string, string> {
  return {
    "Content-Security-Policy": policy,
    "Content-Type": type,
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}

/** Answer a request with verified bytes. Throws `Refused` when a stored file is not the signed one. */
export async function serve(opened: OpenedApp, asked: Asked, shells: readonly string[]): Promise<Response> {
  const found = locate(opened, asked.path);
  if (found === null) return notFound(opened, asked, shells);
  if (found.redirect !== undefined) return Response.redirect(found.redirect, 302);
  // Every document of a frame carries the runtime: a picture or an SVG is shown by a page, never as one.
  if (asked.isNavigation && !isDocument(found.path)) return notFound(opened, asked, shells);
  const bytes = await found.from.read(found.path);
  const headers = commonHeaders(appPolicy(opened.app.index.permissions, shells), mediaType(found.path));
  if (asked.isNavigation) {
    return new Response(injectRuntime(bytes, factsOf(opened, shells)), { headers });
  }
  return ranged(bytes, asked.range, headers);
}

/** Return the answer in place of what was refused. */
export function refusal(code: string, path: string, opened: OpenedApp | null, shells: readonly string[]): Response {
  const facts = opened === null ? unknownFacts(shells) : factsOf(opened, shells);
  const headers = commonHeaders(noticePolicy(shells), mediaType(".html"));
  return new Response(refusedPage({ ...facts, refused: code, path }), { status: 409, headers });
}

/** Return the path inside the package for an address's path, without the leading slash; null when it is broken. */
export function packagePath(pathname: string): string | null {
  try {
    return decodeURIComponent(pathname.slice(1));
  } catch {
    return null;
  }
}

interface Located {
  readonly from: OpenedPackage;
  readonly path: string;
  readonly redirect?: string;
}

function locate(opened: OpenedApp, path: string): Located | null {
  if (path.startsWith(SHARED)) return locateShared(opened, path.slice(SHARED.length));
  const { app } = opened;
  if (app.has(path)) return { from: app, path };
  if (path === "") return { from: app, path, redirect: `/${homePage(opened)}` };
  const page = path.endsWith("/") ? `${path}index.html` : `${path}.html`;
  if (app.has(page)) return { from: app, path: page };
  const moved = app.index.redirects.find((each) => each.from === path.replace(/\.html$/, ""));
  return moved === undefined ? null : { from: app, path, redirect: `/${moved.to}.html` };
}

function locateShared(opened: OpenedApp, rest: string): Located | null {
  const slash = rest.indexOf("/");
  const from = opened.shared.get(rest.slice(0, slash));
  const path = rest.slice(slash + 1);
  return from?.has(path) ? { from, path } : null;
}

function homePage(opened: OpenedApp): string {
  return `${opened.app.index.pages[0] ?? "index"}.html`;
}

function notFound(opened: OpenedApp, asked: Asked, shells: readonly string[]): Response {
  const headers = commonHeaders(noticePolicy(shells), mediaType(asked.isNavigation ? ".html" : ".txt"));
  const page = asked.isNavigation ? notFoundPage(asked.path, homePage(opened), factsOf(opened, shells)) : "Not found";
  return new Response(page, { status: 404, headers });
}

function ranged(bytes: Uint8Array<ArrayBuffer>, header: string | null, headers: Record<string, string>): Response {
  const range = parseRange(header, bytes.length);
  if (range === null) {
    return new Response(bytes, {
      headers: { ...headers, "Accept-Ranges": "bytes", "Content-Length": `${bytes.length}` },
    });
  }
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { ...headers, "Content-Range": `bytes */${bytes.length}` } });
  }
  const part = bytes.subarray(range.first, range.last + 1);
  const place = `bytes ${range.first}-${range.last}/${bytes.length}`;
  return new Response(part, {
    status: 206,
    headers: { ...headers, "Content-Range": place, "Content-Length": `${part.length}` },
  });
}

function factsOf(opened: OpenedApp, shells: readonly string[]): RuntimeFacts {
  return { shell: shells.join(" "), sequence: opened.app.sequence, digest: opened.app.digest };
}

function unknownFacts(shells: readonly string[]): RuntimeFacts {
  return { shell: shells.join(" "), sequence: 0, digest: "" };
}
