/**
 * The service worker of one app's origin. It answers every request of the origin itself: the platform's own files from
 * this script, everything else from the signed package. Nothing of an app reaches the network through it.
 */

import { isRefused } from "../trust/refused";
import { readConfig } from "./config";
import { bootPolicy, idlePolicy, noticePolicy } from "./csp";
import { askedKey, IDLE, NOT_READY } from "./direct";
import { Keeper } from "./keeper";
import type { FileRefused, FromWorker, ToWorker } from "./messages";
import { mediaType } from "./mime";
import { Missing } from "./opened";
import { bootPage, idlePage } from "./pages";
import { provePreview } from "./preview_proof";
import { prove, remembering } from "./prove";
import { commonHeaders, packagePath, refusal, serve } from "./serving";
import { Shelf } from "./shelf";
import type { FetchEvent, MessageFromClient, WorkerScope } from "./worker_scope";

/** The built boot.js and runtime.js. They live in this script because an app can rewrite everything that is stored. */
declare const __BOOT_SCRIPT__: string;
/** Base64 of its SHA-256. */
declare const __BOOT_HASH__: string;
declare const __RUNTIME_SCRIPT__: string;
/** Set in the script that is built for previews alone: no other worker has a way past the signatures. */
declare const __IS_PREVIEW__: boolean;

/** The look for a newer script does not race with the app's own start. */
const UPDATE_AFTER_MS = 1_000;

const scope = globalThis as unknown as WorkerScope;
const config = readConfig(scope.SAMPAN_ORIGIN);
const shells = config.shellOrigins;
const shelf = new Shelf(scope.caches);
const keeper = __IS_PREVIEW__
  ? new Keeper(config, shelf, provePreview(scope.SAMPAN_ORIGIN), false)
  : new Keeper(config, shelf, remembering(prove));

/** The platform's own files: text, media type, policy. */
const OWN_FILES: Readonly<Record<string, readonly [string, string, string]>> = {
  "/__boot": [bootPage(__BOOT_SCRIPT__), mediaType(".html"), bootPolicy(shells, __BOOT_HASH__)],
  [IDLE]: [idlePage(), mediaType(".html"), idlePolicy(shells)],
  "/__runtime.js": [__RUNTIME_SCRIPT__, mediaType(".js"), noticePolicy(shells)],
};

scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== scope.location.origin) return;
  event.respondWith(answer(event, url));
});

async function answer(event: FetchEvent, url: URL): Promise<Response> {
  const { pathname } = url;
  const own = OWN_FILES[pathname];
  if (own !== undefined) {
    const [text, type, policy] = own;
    return new Response(text, { headers: commonHeaders(policy, type) });
  }
  const path = packagePath(pathname) ?? "";
  try {
    const { request } = event;
    const asked = { path, isNavigation: request.mode === "navigate", range: request.headers.get("Range") };
    const key = asked.isNavigation ? askedKey(url) : null;
    if (key !== null && !(await beginsWith(event, key))) return refusal(NOT_READY, path, null, shells);
    return await serve(await keeper.opened(), asked, shells);
  } catch (problem) {
    return refuse(event, path, problem);
  }
}

/** Whether an app may begin here without the boot page; a newer script that waits takes over there first. */
async function beginsWith(event: FetchEvent, key: string): Promise<boolean> {
  event.waitUntil(lookForNewer(UPDATE_AFTER_MS));
  return scope.registration.waiting === null && (await keeper.isReady(key));
}

/** Answer with the refusal, and tell the document that asked; what is stored is looked at anew next time. */
async function refuse(event: FetchEvent, path: string, problem: unknown): Promise<Response> {
  const code = isRefused(problem) ? problem.code : problem instanceof Missing ? "store_missing" : "store_damaged";
  const opened = await keeper.opened().catch(() => null);
  keeper.forget();
  const client = event.clientId === "" ? undefined : await scope.clients.get(event.clientId);
  const told: FileRefused = { sampan: "refused", code, path };
  client?.postMessage(told);
  return refusal(code, path, opened, shells);
}

scope.addEventListener("message", (event) => {
  const [port] = event.ports;
  if (port === undefined || !isBootPage(event)) return;
  event.waitUntil(obey(event.data as ToWorker).then((said) => port.postMessage(said)));
  event.waitUntil(lookForNewer(0));
});

/** Look for a newer script while the app begins; it takes over at the opening after that. Offline there is none. */
async function lookForNewer(afterMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await scope.registration.update().catch(() => undefined);
}

/** Only the platform's boot page gives orders. `url` is that of the document's creation, which no script can change. */
function isBootPage({ source }: MessageFromClient): boolean {
  return source !== null && source.frameType === "nested" && new URL(source.url).pathname === "/__boot";
}

async function obey(order: ToWorker): Promise<FromWorker> {
  switch (order.sampan) {
    case "prepare":
      return keeper.prepare(order);
    case "supply":
      return keeper.supply(order);
    case "takeover":
      await scope.skipWaiting();
      return { type: "ready" };
  }
}
