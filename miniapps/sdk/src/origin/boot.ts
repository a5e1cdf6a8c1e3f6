/** The boot page: brings the worker up, has it prove the wanted version, then gives way to the app. */

import type { BootHello, FromBoot, FromWorker, ToBoot, ToWorker, Wanted } from "./messages";
import { clearPackages, wipeData } from "./wipe";

/** Built twice: the worker of a preview comes for its session's token, any other has one address only. */
declare const __IS_PREVIEW__: boolean;

const WORKER = __IS_PREVIEW__ ? `/__sw.js${location.search}` : "/__sw.js";
/** A newer worker that does not take over in this time serves from the next opening on. */
const TAKEOVER_MS = 3_000;
const nonce = location.hash.slice(1);
const hadWorker = navigator.serviceWorker?.controller != null;

addEventListener("message", (event) => {
  const [port] = event.ports;
  const said = event.data as { sampan?: unknown; nonce?: unknown } | null;
  if (event.source !== parent || port === undefined || said?.sampan !== "port" || said.nonce !== nonce) return;
  serveShell(port);
});
const hello: BootHello = { sampan: "boot", nonce };
if (parent !== window) parent.postMessage(hello, "*");

function serveShell(port: MessagePort): void {
  const say = (message: FromBoot) => port.postMessage(message);
  let wanted: Wanted | undefined;
  let entry = "/";
  const go = (answer: FromWorker) => {
    if (answer.type === "need") return say({ ...answer, hadWorker });
    if (answer.type === "refused") return say(answer);
    say({ type: "ready", hadWorker });
    location.replace(entry);
  };
  const obey = async (order: ToBoot): Promise<void> => {
    switch (order.type) {
      case "prepare":
        ({ wanted, entry } = order);
        return go(await ask({ sampan: "prepare", wanted, heal: order.heal }));
      case "supply":
        if (wanted === undefined) return;
        return go(await ask({ sampan: "supply", wanted, chains: order.chains, packages: order.packages }));
      case "clear":
        if (order.data) await wipeData(window);
        if (order.packages) await clearPackages(caches);
        return say({ type: "done" });
    }
  };
  port.onmessage = (event: MessageEvent<ToBoot>) => {
    obey(event.data).catch((problem: unknown) => {
      say({ type: "refused", code: codeOf(problem), message: problem instanceof Error ? problem.message : "" });
    });
  };
}

function codeOf(problem: unknown): string {
  return problem instanceof DOMException && problem.name === "QuotaExceededError" ? "store_full" : "worker_unavailable";
}

async function ask(order: ToWorker): Promise<FromWorker> {
  const worker = await theWorker();
  return tell(worker, order);
}

function tell(worker: ServiceWorker, order: ToWorker): Promise<FromWorker> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event: MessageEvent<FromWorker>) => {
      port1.close();
      resolve(event.data);
    };
    worker.postMessage(order, [port2]);
  });
}

let found: Promise<ServiceWorker> | undefined;

/**
 * Return the worker that controls this origin from now on. A newer script that waits takes over here, where no app
 * runs; the look for a newer one goes on in the background and counts at the next opening.
 */
function theWorker(): Promise<ServiceWorker> {
  found ??= bringUp();
  return found;
}

async function bringUp(): Promise<ServiceWorker> {
  const container = navigator.serviceWorker;
  const known = await container.getRegistration("/");
  if (known?.waiting) await takeOver(container, known.waiting);
  if (known !== undefined && container.controller !== null) return container.controller;
  await container.register(WORKER, { scope: "/", updateViaCache: "none" });
  const { active } = await container.ready;
  if (active === null) throw new Error("The worker did not start.");
  return active;
}

function takeOver(container: ServiceWorkerContainer, waiting: ServiceWorker): Promise<void> {
  return new Promise((resolve) => {
    container.addEventListener("controllerchange", () => resolve(), { once: true });
    setTimeout(resolve, TAKEOVER_MS);
    waiting.postMessage({ sampan: "takeover" } satisfies ToWorker, [new MessageChannel().port2]);
  });
}
