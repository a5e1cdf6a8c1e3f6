/** When each app was opened last, and which package each origin holds: what eviction and healing go by. */

import type { Store } from "../store/store";

export class Usage {
  constructor(private readonly store: Store) {}

  async opened(app: string, nowMs: number): Promise<void> {
    await this.store.write([{ key: `used/${app}`, value: nowMs }]);
  }

  async openedMs(app: string): Promise<number> {
    return ((await this.store.get(`used/${app}`)) as number | undefined) ?? 0;
  }

  /** The package digest that the app's origin was given last. */
  async provisioned(app: string): Promise<string> {
    return ((await this.store.get(`provisioned/${app}`)) as string | undefined) ?? "";
  }

  async setProvisioned(app: string, digest: string): Promise<void> {
    await this.store.write([{ key: `provisioned/${app}`, value: digest }]);
  }

  /** What the app's origin said last that it has ready, as `keyOf` names it. */
  async readyKey(app: string): Promise<string> {
    return ((await this.store.get(`ready/${app}`)) as string | undefined) ?? "";
  }

  async setReadyKey(app: string, key: string): Promise<void> {
    await this.store.write([{ key: `ready/${app}`, value: key }]);
  }

  /** The app's data must go before it is opened again, whatever happens in between. */
  async markForWipe(apps: readonly string[]): Promise<void> {
    await this.store.write(apps.map((app) => ({ key: `wipe/${app}`, value: true })));
  }

  async isMarkedForWipe(app: string): Promise<boolean> {
    return (await this.store.get(`wipe/${app}`)) === true;
  }

  async wiped(app: string): Promise<void> {
    await this.store.write([{ key: `wipe/${app}` }]);
  }
}

export interface Candidate {
  readonly app: string;
  readonly openedMs: number;
}

/** Return the app to let go of: the one not opened for longest, among those that are not in use. */
export function leastRecentlyUsed(candidates: readonly Candidate[], inUse: ReadonlySet<string>): string | null {
  const free = candidates.filter((each) => !inUse.has(each.app));
  const oldest = free.sort((a, b) => a.openedMs - b.openedMs || (a.app < b.app ? -1 : 1))[0];
  return oldest?.app ?? null;
}
