/** The shell's own worker: what the shell is made of opens without a network. Apps have workers of their own. */

import type { FetchEvent, WorkerScope } from "../../sdk/src/origin/worker_scope";

const worker = self as unknown as WorkerScope;
const CACHE = "sampan-shell";
const SLOW_NETWORK_MS = 3_000;
const ASSET = /\b(?:src|href)="(\/[^"]+)"/g;

worker.addEventListener("install", (event) => {
  event.waitUntil(keepShell().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(worker.clients.claim());
});

worker.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (event.request.mode === "navigate" && url.pathname === "/") event.respondWith(page(event));
  else if (url.pathname.startsWith("/assets/") || /^\/[\w.-]+\.(svg|webmanifest)$/.test(url.pathname)) {
    event.respondWith(asset(event.request));
  }
});

/** Fetch the page and all it names, then forget what it no longer names: a half-kept shell never replaces a whole one. */
async function keepShell(): Promise<void> {
  const answer = await fetch("/", { cache: "no-cache" });
  if (!answer.ok) throw new Error(`the shell answered ${answer.status}`);
  const html = await answer.clone().text();
  const names = ["/", ...[...html.matchAll(ASSET)].map((match) => match[1] as string)];
  const cache = await caches.open(CACHE);
  await cache.addAll(names.slice(1));
  await cache.put("/", answer);
  for (const kept of await cache.keys()) {
    if (!names.includes(new URL(kept.url).pathname)) await cache.delete(kept);
  }
}

async function page(event: FetchEvent): Promise<Response> {
  const cached = await caches.match("/", { cacheName: CACHE });
  try {
    const signal = cached ? AbortSignal.timeout(SLOW_NETWORK_MS) : null;
    const fresh = await fetch(event.request, { signal });
    if (fresh.ok && cached && (await cached.clone().text()) !== (await fresh.clone().text())) {
      event.waitUntil(keepShell());
    }
    if (fresh.ok || !cached) return fresh;
  } catch (problem) {
    if (!cached) throw problem;
  }
  return cached;
}

async function asset(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}
