/** The part of a service worker's global scope that is used here; lib.dom and lib.webworker cannot be loaded together. */

export interface WorkerClient {
  readonly id: string;
  readonly url: string;
  readonly frameType: "auxiliary" | "top-level" | "nested" | "none";
  postMessage(message: unknown): void;
}

export interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

export interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  readonly clientId: string;
  respondWith(answer: Promise<Response>): void;
}

export interface MessageFromClient extends ExtendableEvent {
  readonly data: unknown;
  readonly source: WorkerClient | null;
  readonly ports: readonly MessagePort[];
}

export interface WorkerScope {
  readonly SAMPAN_ORIGIN: unknown;
  readonly caches: CacheStorage;
  readonly clients: { claim(): Promise<void>; get(id: string): Promise<WorkerClient | undefined> };
  readonly location: { readonly origin: string };
  readonly registration: { readonly waiting: unknown; update(): Promise<unknown> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageFromClient) => void): void;
}
