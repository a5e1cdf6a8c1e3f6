/** How a client takes what it is offered: on Wi-Fi alone, ahead of the rest, from a minimum version on. */

import type { PackageStore } from "../store/packages";
import type { Change, Store } from "../store/store";
import type { Offer } from "./answer";

const MINIMUMS = "sync/minimums";

/** The part of `navigator.connection` that is looked at; not every browser has it. */
export interface ConnectionWords {
  readonly type?: string;
}

/** Whether downloads in the background may cost nothing extra. A browser that does not tell counts as one that may. */
export function isFreeNetwork(connection: ConnectionWords | undefined): boolean {
  const type = connection?.type;
  return type === undefined || type === "unknown" || type === "wifi" || type === "ethernet";
}

/** The connection of this browser, where it tells. */
export function browserConnection(): ConnectionWords | undefined {
  return (navigator as { connection?: ConnectionWords }).connection;
}

/** What is fetched ahead comes first; the order is else as it was. */
export function inOrderOfFetching(offers: readonly Offer[]): readonly Offer[] {
  return [...offers].sort((one, other) => Number(other.isPredownload) - Number(one.isPredownload));
}

/** The lowest versions that may open, by the offers of the last answer. */
export class Minimums {
  constructor(
    private readonly store: Store,
    private readonly packages: Pick<PackageStore, "state">,
  ) {}

  /** The row that an answer's offers leave behind; those of an earlier answer are void. */
  row(offers: readonly Offer[]): Change {
    const found = offers.filter(({ action, minimum }) => action !== "remove" && minimum > 0);
    return { key: MINIMUMS, value: Object.fromEntries(found.map(({ id, minimum }) => [id, minimum])) };
  }

  /** Whether what is installed must be updated before it opens. */
  async mustUpdate(app: string): Promise<boolean> {
    const minimum = ((await this.store.get(MINIMUMS)) as Readonly<Record<string, number>> | undefined)?.[app] ?? 0;
    if (minimum === 0) return false;
    const { current } = await this.packages.state(app);
    return current !== null && current.sequence < minimum;
  }
}
