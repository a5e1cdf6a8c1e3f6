/** `storage.*`: an app's small values, kept by the shell, so they survive the app's origin being wiped by mistake. */

import { BridgeError } from "../bridge/errors";
import { measure } from "../bridge/limits";
import type { Store } from "../store/store";

export const MAX_KEYS = 1_000;
export const MAX_APP_BYTES = 5 * 1_048_576;

interface Kept {
  readonly value: unknown;
  readonly bytes: number;
}

export class AppStorage {
  private sizes: Map<string, number> | null = null;
  private readonly prefix: string;

  constructor(
    private readonly store: Store,
    app: string,
  ) {
    this.prefix = `data/${app}/`;
  }

  async get(key: string): Promise<unknown> {
    return ((await this.store.get(this.prefix + key)) as Kept | undefined)?.value;
  }

  /** Throws `too_large` beyond the limits of one app. */
  async set(key: string, value: unknown): Promise<void> {
    const sizes = await this.load();
    const bytes = measure(value) + key.length * 2;
    const total = [...sizes.values()].reduce((sum, each) => sum + each, 0) - (sizes.get(key) ?? 0) + bytes;
    if (total > MAX_APP_BYTES || (!sizes.has(key) && sizes.size >= MAX_KEYS)) {
      throw new BridgeError("too_large", `An app keeps ${MAX_APP_BYTES} bytes under ${MAX_KEYS} keys at most.`);
    }
    sizes.set(key, bytes);
    await this.store.write([{ key: this.prefix + key, value: { value, bytes } satisfies Kept }]);
  }

  async remove(key: string): Promise<void> {
    (await this.load()).delete(key);
    await this.store.write([{ key: this.prefix + key }]);
  }

  async keys(prefix: string): Promise<string[]> {
    return (await this.store.keys(this.prefix + prefix)).map((key) => key.slice(this.prefix.length));
  }

  async clear(): Promise<void> {
    this.sizes = null;
    await this.store.write((await this.store.keys(this.prefix)).map((key) => ({ key })));
  }

  private async load(): Promise<Map<string, number>> {
    if (this.sizes !== null) return this.sizes;
    const sizes = new Map<string, number>();
    for (const key of await this.keys("")) {
      sizes.set(key, ((await this.store.get(this.prefix + key)) as Kept | undefined)?.bytes ?? 0);
    }
    this.sizes = sizes;
    return sizes;
  }
}
