/** A shell with nothing around the container: what the browser tests drive. Not a part of the product. */

import { BridgeError } from "../../src/bridge/errors";
import { Container } from "../../src/container/container";
import type { Capabilities, ContainerEvents, Report } from "../../src/container/ports";
import { httpTree } from "../../src/download/http";
import { IndexedDbStore } from "../../src/store/indexed-db";
import { metadataStore } from "../../src/store/metadata";
import { PackageStore } from "../../src/store/packages";
import { Device } from "../../src/sync/device";
import { TufTree } from "../../src/trust/tree";

interface Told {
  readonly event: string;
  readonly [name: string]: unknown;
}

const told: Told[] = [];
const reports: Report[] = [];
const asked: string[] = [];
const answers = { consent: true, confirm: true };
const noCapability = () => Promise.reject(new BridgeError("not_available", "Not on this device."));
const capabilities: Capabilities = {
  share: noCapability,
  writeClipboard: async () => undefined,
  readClipboard: async () => "from the clipboard",
  scan: noCapability,
  camera: noCapability,
  location: async () => ({ latitude: 1, longitude: 2, accuracy: 3 }),
};

async function start() {
  const root = new Uint8Array(await (await fetch("/root.json")).arrayBuffer());
  const store = new IndexedDbStore("sampan-test");
  const source = httpTree(`${location.origin}/trust/demo/intl`);
  const tree = new TufTree({ tree: "demo/intl", root, fetchBytes: source.fetchBytes, store: metadataStore(store) });
  const device = new Device(tree, new PackageStore(store), source, store);
  const container = new Container(
    {
      device,
      source,
      store,
      switches: {
        read: async (_app, key) => {
          throw new BridgeError("not_available", `There is no switch ${key} here.`);
        },
      },
      server: {
        login: async (_app, _sequence, scopes) => ({ code: `code for ${scopes.join(" ")}`, expires_in: 60 }),
        tier: async () => "full",
        profile: async () => ({ name: "Li" }),
        fetch: async (_app, _sequence, url) => ({ status: 200, headers: {}, body: new TextEncoder().encode(url) }),
        pay: async () => ({ status: "paid", reference: "ref-1" }),
        sign: async () => ({ status: "signed", reference: "ref-2" }),
      },
      consents: {
        allows: async (app, permission) => {
          asked.push(`${app} ${permission}`);
          return answers.consent;
        },
      },
      capabilities,
      ui: {
        mount,
        unmount,
        title: (_app, title) => {
          document.title = title;
        },
        confirm: async () => answers.confirm,
      },
      report: (event) => void reports.push(event),
      now: () => Date.now(),
    },
    {
      workspace: "demo",
      appsOrigin: `http://{label}.apps.sampan.localhost:${location.port}`,
      kind: "live",
      theme: { scheme: "light", fontScale: 1 },
      language: "zh",
    },
  );
  const events: readonly (keyof ContainerEvents)[] = [
    "version-ready",
    "booted",
    "refused",
    "healed",
    "crashed",
    "closed",
    "call",
    "console",
  ];
  for (const event of events) container.on(event, (data) => void told.push({ event, ...data }));
  return { container, device, told, reports, asked, answers, install };

  /** Take in a version as a sync answer would have it. */
  async function install(app: string, sequence: number, digest: string) {
    await device.tree.refresh(Date.now());
    return container.update({ action: "install", id: app, sequence, digest });
  }
}

function mount(app: string): HTMLElement {
  const place = document.createElement("section");
  place.id = app;
  document.body.append(place);
  return place;
}

function unmount(app: string): void {
  document.getElementById(app)?.remove();
}

Object.assign(window, { world: start(), told, reports });
void navigator.serviceWorker.register("/shell-sw.js");
