/** First script of every document of an app: `window.sampan`, and the eyes of the shell on the app's health. */

import { makeApi } from "../bridge/api";
import { BridgeClient } from "../bridge/client";
import { BRIDGE_VERSION, type Hello } from "../bridge/protocol";
import { relayConsole } from "./console_relay";
import { plainAddress } from "./direct";
import { watchErrors, watchFirstContent } from "./health";
import type { FileRefused } from "./messages";
import { keepWorker } from "./tame";

const facts = (document.currentScript as HTMLScriptElement | null)?.dataset ?? {};
const shells = (facts.shell ?? "").split(" ").filter((origin) => origin !== "");
const plain = plainAddress(location);
if (plain !== null) history.replaceState(history.state, "", plain);
const client = new BridgeClient();
Object.defineProperty(window, "sampan", { value: makeApi(client), enumerable: true });
keepWorker(window, () => client.note({ note: "worker_removed" }));
if (window.parent !== window) connect();
watchErrors(window, (note) => {
  client.note(note);
  if (note.note === "script_error") client.emit("error", { message: note.message });
});
if (facts.refused === undefined) watchFirstContent(window, (note) => client.note(note));
navigator.serviceWorker?.addEventListener("message", (event: MessageEvent<FileRefused | null>) => {
  const told = event.data;
  if (told?.sampan === "refused") client.note({ note: "file_refused", code: told.code, path: told.path });
});
void client.welcome.then(({ debug }) => {
  if (debug) relayConsole(console, (note) => client.note(note));
});

function connect(): void {
  const nonce = crypto.randomUUID();
  addEventListener("message", function hear(event) {
    const [port] = event.ports;
    const said = event.data as { sampan?: unknown; nonce?: unknown } | null;
    if (event.source !== window.parent || !shells.includes(event.origin) || port === undefined) return;
    if (said?.sampan !== "port" || said.nonce !== nonce) return;
    removeEventListener("message", hear);
    event.stopImmediatePropagation();
    client.connect(port);
  });
  const hello: Hello = {
    sampan: "hello",
    nonce,
    version: BRIDGE_VERSION,
    sequence: Number(facts.sequence),
    digest: facts.digest ?? "",
    ...(facts.refused === undefined ? {} : { refused: facts.refused, path: facts.path ?? "" }),
  };
  for (const origin of shells) window.parent.postMessage(hello, origin);
}
