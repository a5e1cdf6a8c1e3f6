import { Calls } from "@sampan/sdk";
import type { Host, Tier } from "./host";
import { TIERS } from "./host";
import { isObject, list, text } from "./read";
import { goToApp } from "./stage";

/** The app that is being written, and who is to be signed in for it. */
export interface Workbench {
  app: string;
  tier: Tier;
  phone: string;
}

export function readWorkbench(told: unknown): { workbench?: Workbench } {
  if (!isObject(told)) return {};
  const tier = TIERS.find((each) => each === told.tier) ?? "visitor";
  return { workbench: { app: text(told.app), tier, phone: text(told.phone) } };
}

/** Sign the wanted customer in, and go to the app. Before any page shows: a change of customer closes what runs. */
export async function enterWorkbench(host: Host, { app, tier, phone }: Workbench): Promise<void> {
  if (tier !== "visitor") await becomeTier(host, { phone }, tier);
  goToApp(app);
}

/** What can be chosen in place of the bank, with the first choice as the bank does it. */
export const CHOICES = {
  pay: ["paid", "refused", "unknown"],
  sign: ["signed", "refused", "unknown"],
  login: ["allowed", "refused", "failed"],
  network: ["mocks", "slow", "failing"],
} as const;
export type ChoiceName = keyof typeof CHOICES;

/** The mocks as they hold now; `fetch` are those of the file, in words. */
export interface BenchState {
  file: string;
  chosen: Readonly<Record<ChoiceName, string>>;
  fetch: readonly { method: string; url: string; says: string }[];
}

const MOCKS = "/client/v1/dev/mocks";

/** What `sampan dev` answers beside the bank; only there while it runs. */
export class Bench {
  private readonly calls = new Calls(location.origin);

  async state(): Promise<BenchState> {
    return readState((await this.calls.send("GET", MOCKS)).body);
  }

  async choose(name: ChoiceName, value: string): Promise<BenchState> {
    return readState((await this.calls.send("PUT", MOCKS, { [name]: value })).body);
  }

  /** Return what keeps the folder's present state from being published; nothing when what runs is what was written. */
  async broken(): Promise<readonly string[]> {
    const { body } = await this.calls.send("GET", "/client/v1/dev/build");
    const told = isObject(body) && Array.isArray(body.broken) ? body.broken : [];
    return told.map(text);
  }

  /** Return a stack with the developer's own files in it, and the line of code where it went wrong. */
  async stack(said: string): Promise<{ text: string; code: string }> {
    const { body } = await this.calls.send("POST", "/client/v1/dev/stack", { text: said.slice(0, 8000) });
    return isObject(body) ? { text: text(body.text) || said, code: text(body.code) } : { text: said, code: "" };
  }
}

function readState(told: unknown): BenchState {
  if (!isObject(told) || typeof told.pay !== "string") throw new Error("The mocks cannot be read.");
  const { file, pay, sign, login, network } = told;
  return {
    file: text(file),
    chosen: { pay: text(pay), sign: text(sign), login: text(login), network: text(network) },
    fetch: list(told, "fetch").map((each) => ({
      method: text(each.method),
      url: text(each.url),
      says: text(each.says),
    })),
  };
}

/** Have the bank's customer be of another tier: signed in as the mocks say, or a visitor. The app opens anew. */
export async function becomeTier(host: Host, { phone }: Pick<Workbench, "phone">, tier: Tier): Promise<void> {
  if (tier === "visitor") return host.signOut();
  if (host.snapshot().customer === null) {
    const code = await host.askCode(phone);
    if (code === null) return;
    await host.signIn(phone, code);
  }
  if (host.snapshot().tier !== tier) await host.raiseTo(tier);
}
