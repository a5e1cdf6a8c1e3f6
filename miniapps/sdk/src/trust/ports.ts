/** What the verifier needs of the outside. Nothing that comes through these ports is believed before it is verified. */

/**
 * Return the bytes at `path` below the tree (`metadata/timestamp.json`, `targets/...`), or null when there is no such
 * file (404, 403). Stop soon after `maxBytes`. Throws `Refused("trust_unreachable")` or `Refused("trust_too_long")`.
 */
export type FetchBytes = (path: string, maxBytes: number) => Promise<Uint8Array | null>;

/** Small named byte strings, durable when a method's promise resolves. Names are made of `[A-Za-z0-9._/-]`. */
export interface MetadataStore {
  get(name: string): Promise<Uint8Array | null>;
  put(name: string, data: Uint8Array): Promise<void>;
}

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** An archive that can be read in pieces: a Blob, an array, a file. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}
