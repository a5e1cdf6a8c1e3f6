/** How far the delivery of each offer has come, reported once for each stage with the ticket of its offer. */

import type { EventQueue } from "../events/queue";
import type { Installed } from "../store/installed";
import type { Store } from "../store/store";
import type { JsonObject } from "../trust/canonical";
import type { HotfixOffer, Offer } from "./answer";

/** In the order in which the server counts them. */
const STAGES = ["offered", "downloaded", "verified", "installed", "failed", "booted"] as const;
export type Stage = (typeof STAGES)[number];

interface Ticket {
  readonly release: string;
  readonly ticket: string;
  readonly sequence: number;
  readonly digest: string;
  readonly stage: Stage;
}

export class Deliveries {
  constructor(
    private readonly store: Store,
    private readonly events: EventQueue,
  ) {}

  /** An offer of a version, or of hotfixes, was seen; the same one again is no news. */
  async offered(offer: Offer | HotfixOffer): Promise<void> {
    const { id, release, ticket, sequence, digest } = offer;
    const key = "patches" in offer ? hotfixKeyOf(id) : keyOf(id);
    const held = await this.held(key);
    const isSame = held?.release === release && held.ticket === ticket && held.digest === digest;
    if (!isSame) await this.reached(id, key, { release, ticket, sequence, digest, stage: "offered" }, {});
  }

  /**
   * Report a stage of the app's last offer, unless it, or a later one, was reported. `digest` says of which package:
   * one that neither the last version nor the last hotfixes on offer brought is not reported.
   */
  async stage(app: string, stage: Stage, digest: string, attrs: JsonObject = {}): Promise<void> {
    for (const key of [keyOf(app), hotfixKeyOf(app)]) {
      const held = await this.held(key);
      if (held === null || held.digest !== digest || rank(stage) <= rank(held.stage)) continue;
      await this.reached(app, key, { ...held, stage }, attrs);
    }
  }

  /** Report what a crash kept from being reported: the version of the last offer is installed, or has booted. */
  async finish(app: string, current: Installed | null): Promise<void> {
    if (current !== null) await this.stage(app, current.isConfirmed ? "booted" : "installed", current.digest);
  }

  private async reached(app: string, key: string, held: Ticket, attrs: JsonObject): Promise<void> {
    const { release, ticket, sequence, digest, stage } = held;
    await this.events.note(`delivery.${stage}`, { app, sequence, release, digest, ticket }, attrs);
    await this.store.write([{ key, value: held }]);
  }

  private async held(key: string): Promise<Ticket | null> {
    return ((await this.store.get(key)) as Ticket | undefined) ?? null;
  }
}

const rank = (stage: Stage): number => STAGES.indexOf(stage);
const keyOf = (app: string): string => `sync/ticket/${app}`;
const hotfixKeyOf = (app: string): string => `sync/hotfix-ticket/${app}`;
