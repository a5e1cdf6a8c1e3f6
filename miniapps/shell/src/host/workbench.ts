import type { Host, Tier } from "./host";
import { TIERS } from "./host";
import { isObject, text } from "./read";
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
  if (tier !== "visitor" && host.snapshot().customer === null) {
    const code = await host.askCode(phone);
    if (code !== null) await host.signIn(phone, code);
  }
  if (tier !== "visitor" && host.snapshot().tier !== tier) await host.raiseTo(tier);
  goToApp(app);
}
