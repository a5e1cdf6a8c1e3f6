/** What shell, boot page and worker say to each other before an app runs. docs/protocols/container.md tells it in words. */

import type { StoredChain } from "../trust/types";

/** A version that the shell wants served, and what goes with it. */
export interface Wanted {
  readonly app: string;
  readonly sequence: number;
  /** Package digest, `sha256:<hex>`. */
  readonly digest: string;
  /** The shared packages that the app's index names, each as the shell chose it. */
  readonly shared: readonly SharedWanted[];
  /** Package digests to keep beside these; everything else goes. */
  readonly keep: readonly string[];
}

export interface SharedWanted {
  readonly id: string;
  readonly sequence: number;
  readonly digest: string;
}

/** One package as the shell keeps it. */
export interface PackageBytes {
  readonly digest: string;
  readonly index: Uint8Array<ArrayBuffer>;
  readonly archive: Blob;
}

/** The proofs for the packages of one opening, by app id. */
export type Chains = Readonly<Record<string, StoredChain>>;

/** Boot page -> parent, before there is a port. It holds no secret: who may be the parent is set by frame-ancestors. */
export interface BootHello {
  readonly sampan: "boot";
  readonly nonce: string;
}

/** Shell -> boot page, over the port. */
export type ToBoot =
  | { readonly type: "prepare"; readonly wanted: Wanted; readonly entry: string; readonly heal: boolean }
  | { readonly type: "supply"; readonly chains: Chains; readonly packages: readonly PackageBytes[] }
  | { readonly type: "clear"; readonly data: boolean; readonly packages: boolean };

/** What must be sent (again). `why` is the code of what was wrong with the stored copy, `store_missing` when there was none. */
export interface Need {
  readonly type: "need";
  readonly packages: readonly string[];
  readonly why: string;
  readonly hadWorker: boolean;
}

/** Boot page -> shell, over the port. */
export type FromBoot =
  | Need
  | { readonly type: "ready"; readonly hadWorker: boolean }
  | { readonly type: "done" }
  | { readonly type: "refused"; readonly code: string; readonly message: string };

/** Boot page -> worker, each with a port for the answer. */
export type ToWorker =
  | { readonly sampan: "prepare"; readonly wanted: Wanted; readonly heal: boolean }
  | {
      readonly sampan: "supply";
      readonly wanted: Wanted;
      readonly chains: Chains;
      readonly packages: readonly PackageBytes[];
    }
  | { readonly sampan: "takeover" };

export type FromWorker =
  | Omit<Need, "hadWorker">
  | { readonly type: "ready" }
  | { readonly type: "refused"; readonly code: string; readonly message: string };

/** Worker -> document: a file was refused while the app ran. */
export interface FileRefused {
  readonly sampan: "refused";
  readonly code: string;
  readonly path: string;
}
