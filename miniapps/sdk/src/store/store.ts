/** The port to durable storage: named values, changed together or not at all. */

/** What a store can keep: anything that the structured clone algorithm copies (bytes, Blobs, keys, plain objects). */
export type Value = unknown;

/** Put `value` under `key`; without a value, delete it. */
export interface Change {
  readonly key: string;
  readonly value?: Value;
}

export interface Store {
  /** Return the value, or undefined when there is none. */
  get(key: string): Promise<Value>;
  /** Make all changes, or none. Durable when the promise resolves. */
  write(changes: readonly Change[]): Promise<void>;
  /** Return the keys that begin with `prefix`, in order of their code units. */
  keys(prefix: string): Promise<string[]>;
}
