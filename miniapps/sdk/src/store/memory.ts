/** A store in memory: for tests, and where a browser forbids storage. Values are copied in and out, as databases do. */

import type { Change, Store, Value } from "./store";

export class MemoryStore implements Store {
  private readonly values = new Map<string, Value>();

  async get(key: string): Promise<Value> {
    return structuredClone(this.values.get(key));
  }

  async write(changes: readonly Change[]): Promise<void> {
    const copied = changes.map(({ key, value }) => ({ key, value: structuredClone(value) }));
    for (const { key, value } of copied) {
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, value);
    }
  }

  async keys(prefix: string): Promise<string[]> {
    return Array.from(this.values.keys())
      .filter((key) => key.startsWith(prefix))
      .sort();
  }
}
