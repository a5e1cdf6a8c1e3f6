/** The bridge's methods for one running app, over the ports. Shape, permission and consent were checked before. */

import { BridgeError } from "../bridge/errors";
import type { Methods } from "../bridge/methods";
import type { AppStorage } from "./app_storage";
import type { Confirmation, ContainerPorts } from "./ports";

/** What one app's methods need beside the ports. */
export interface MethodContext {
  readonly app: string;
  readonly sequence: number;
  readonly storage: AppStorage;
  params(): unknown;
  open(app: string, params: unknown): Promise<unknown>;
  close(result: unknown): void;
}

export function makeMethods(ports: ContainerPorts, context: MethodContext): Methods {
  const { server, capabilities, ui } = ports;
  const { app, sequence, storage } = context;
  const confirmed = async (what: Confirmation): Promise<void> => {
    if (!(await ui.confirm(app, what))) throw new BridgeError("consent_refused", "The customer did not confirm.");
  };
  return {
    "storage.get": async ({ key }) => ({ value: await storage.get(key) }),
    "storage.set": async ({ key, value }) => nothing(await storage.set(key, value)),
    "storage.remove": async ({ key }) => nothing(await storage.remove(key)),
    "storage.keys": ({ prefix }) => storage.keys(prefix ?? ""),
    login: ({ scopes }) => server.login(app, sequence, scopes),
    "user.tier": async () => ({ tier: await server.tier() }),
    "user.profile": () => server.profile(app, sequence),
    "network.fetch": ({ url, ...init }) => server.fetch(app, sequence, url, init),
    "navigation.open": (args) => context.open(args.app, args.params),
    "navigation.close": async ({ result }) => nothing(context.close(result)),
    "navigation.params": async () => context.params(),
    share: async (what) => nothing(await capabilities.share(app, what)),
    "clipboard.write": async ({ text }) => nothing(await capabilities.writeClipboard(text)),
    "clipboard.read": async () => ({ text: await capabilities.readClipboard() }),
    scan: () => capabilities.scan(),
    camera: ({ facing }) => capabilities.camera(facing ?? "environment"),
    location: () => capabilities.location(),
    pay: async (payment) => {
      await confirmed({ kind: "pay", payment });
      return server.pay(app, sequence, payment);
    },
    sign: async (signing) => {
      await confirmed({ kind: "sign", signing });
      return server.sign(app, sequence, signing);
    },
    "switches.get": ({ key }) => ports.switches.read(app, key),
    "ui.title": async ({ title }) => nothing(ui.title(app, title)),
  };
}

function nothing(_: unknown): null {
  return null;
}
