/** A store in IndexedDB: one object store, one transaction for each write, durable when the promise resolves. */

import { StoreAway } from "./problems";
import type { Change, Store, Value } from "./store";

const OBJECTS = "values";
const VERSION = 1;

export class IndexedDbStore implements Store {
  private opened: Promise<IDBDatabase> | null = null;

  constructor(
    private readonly name: string,
    private readonly factory: IDBFactory = indexedDB,
  ) {}

  async get(key: string): Promise<Value> {
    const objects = (await this.transaction("readonly")).objectStore(OBJECTS);
    return answered(objects.get(key));
  }

  async write(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const transaction = await this.transaction("readwrite");
    const done = finished(transaction);
    const objects = transaction.objectStore(OBJECTS);
    try {
      for (const { key, value } of changes) {
        if (value === undefined) objects.delete(key);
        else objects.put(value, key);
      }
    } catch (problem) {
      transaction.abort();
      await done.catch(() => undefined);
      throw problem;
    }
    await done;
  }

  async keys(prefix: string): Promise<string[]> {
    const objects = (await this.transaction("readonly")).objectStore(OBJECTS);
    const found = await answered(objects.getAllKeys(IDBKeyRange.bound(prefix, `${prefix}\uffff`)));
    return found.map(String);
  }

  /** Close the connection; the next call opens it again. */
  async close(): Promise<void> {
    const opened = this.opened;
    this.opened = null;
    (await opened)?.close();
  }

  private async transaction(mode: IDBTransactionMode): Promise<IDBTransaction> {
    try {
      return await this.begin(mode);
    } catch {
      this.opened = null; // the browser closed the connection behind our back: once more with a new one
      return this.begin(mode);
    }
  }

  private async begin(mode: IDBTransactionMode): Promise<IDBTransaction> {
    this.opened ??= this.open();
    return (await this.opened).transaction(OBJECTS, mode, { durability: "strict" });
  }

  private open(): Promise<IDBDatabase> {
    const request = this.factory.open(this.name, VERSION);
    request.onupgradeneeded = () => request.result.createObjectStore(OBJECTS);
    return answered(request).then((database) => {
      database.onversionchange = () => void this.close();
      database.onclose = () => {
        this.opened = null;
      };
      return database;
    });
  }
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(new StoreAway(request.error));
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(new StoreAway(transaction.error));
  });
}
