/** One at a time, in all tabs of an origin. */

/** Run `act` while nobody else runs something under this name. */
export type Exclusive = <T>(name: string, act: () => Promise<T>) => Promise<T>;

/** By the Web Locks API, for tabs and workers of one origin. */
export const webLocks =
  (prefix = "sampan:"): Exclusive =>
  (name, act) =>
    navigator.locks.request(prefix + name, act) as ReturnType<typeof act>;

/** Within this process alone. */
export function memoryLocks(): Exclusive {
  const last = new Map<string, Promise<unknown>>();
  return (name, act) => {
    const before = last.get(name) ?? Promise.resolve();
    const mine = before.then(act, act);
    const settled = mine.catch(() => undefined);
    last.set(name, settled);
    return mine;
  };
}
