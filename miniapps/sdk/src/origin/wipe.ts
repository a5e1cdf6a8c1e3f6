/** Delete what an app stored in its origin. The platform's packages stay, so that the app opens again without a network. */

import { isPlatformCache } from "./shelf";

/** Everything that a document of this origin can have stored. Resolves when it is gone; an unsupported part is skipped. */
export async function wipeData(view: Window & typeof globalThis): Promise<void> {
  view.localStorage.clear();
  view.sessionStorage.clear();
  wipeCookies(view.document);
  await Promise.all([wipeDatabases(view.indexedDB), wipeCaches(view.caches), wipeFiles(view.navigator.storage)]);
}

/** Delete the platform's packages; the worker notices at the next opening and asks the shell for them. */
export async function clearPackages(caches: CacheStorage): Promise<void> {
  const names = (await caches.keys()).filter(isPlatformCache);
  await Promise.all(names.map((name) => caches.delete(name)));
}

function wipeCookies(document: Document): void {
  for (const pair of document.cookie.split("; ")) {
    const name = pair.split("=")[0];
    document.cookie = `${name}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/`;
  }
}

async function wipeDatabases(factory: IDBFactory): Promise<void> {
  const known = (await factory.databases?.()) ?? [];
  await Promise.all(known.map(({ name }) => (name === undefined ? undefined : deleteDatabase(factory, name))));
}

function deleteDatabase(factory: IDBFactory, name: string): Promise<void> {
  return new Promise((resolve) => {
    const request = factory.deleteDatabase(name);
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
}

async function wipeCaches(caches: CacheStorage): Promise<void> {
  const names = (await caches.keys()).filter((name) => !isPlatformCache(name));
  await Promise.all(names.map((name) => caches.delete(name)));
}

async function wipeFiles(storage: StorageManager): Promise<void> {
  const top = await storage.getDirectory?.().catch(() => undefined);
  if (top === undefined) return;
  const names: string[] = [];
  for await (const name of (top as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
  for (const name of names) await top.removeEntry(name, { recursive: true }).catch(() => undefined);
}
