/** The verified values that other parts work with; docs/protocols/trust.md and package.md say what they mean. */

/** A version: its sequence and the package digest, `sha256:<hex>` of its index. */
export interface Offered {
  readonly sequence: number;
  readonly digest: string;
}

/** One version as the app role lists it. Digests are written `sha256:<hex>`, sizes are in bytes. */
export interface SignedVersion {
  readonly app: string;
  readonly sequence: number;
  readonly version: string;
  readonly floor: number;
  readonly indexDigest: string;
  readonly indexBytes: number;
  readonly packageDigest: string;
  readonly packageBytes: number;
}

/** One hotfix of a version as the app role lists it: its document and the contents that it brings. */
export interface SignedHotfix {
  readonly app: string;
  readonly sequence: number;
  readonly n: number;
  readonly documentDigest: string;
  readonly documentBytes: number;
  readonly contentDigest: string;
  readonly contentBytes: number;
}

/** A version with hotfixes: which, in rising order, and the package digest of what comes of them. */
export interface OfferedStack extends Offered {
  readonly patches: readonly string[];
}

/** A verified app role: what its publisher and the reviewer both signed. */
export interface AppRole {
  readonly app: string;
  readonly tree: string;
  readonly metadataVersion: number;
  readonly expiresMs: number;
  /** The highest floor that any version carries. */
  readonly floor: number;
  readonly versions: ReadonlyMap<number, SignedVersion>;
  /** By `hotfixKey`. */
  readonly hotfixes: ReadonlyMap<string, SignedHotfix>;
}

export interface Killed {
  readonly sequence: number;
  readonly digest: string;
  readonly code: string;
}

export interface Stack {
  readonly sequence: number;
  readonly patches: readonly string[];
  readonly digest: string;
}

export interface Rollback {
  readonly from: number;
  readonly to: number;
  readonly digest: string;
  readonly serial: string;
}

/** `control/<app>.json`, member for member. */
export interface Control {
  readonly app: string;
  readonly serial: string;
  readonly offerable: readonly number[];
  readonly killed: readonly Killed[];
  readonly stacks: readonly Stack[];
  readonly rollback: readonly Rollback[];
  readonly max_offline_days?: number;
  readonly message?: { readonly zh: string; readonly en: string };
}

/** The app may open; without `mayMoveMoney` the money bridges refuse, and `why` says why. */
export interface Opening {
  readonly mayMoveMoney: boolean;
  readonly why: "control_missing" | "clock_moved_back" | "offline_too_long" | null;
}

/** A file of a package: `offset` is that of its content in `package.ma`; digests are bare hex. */
export interface FileEntry {
  readonly path: string;
  readonly size: number;
  readonly offset: number;
  readonly sha256: string;
  readonly sm3: string;
}

export interface Permissions {
  readonly bridge: readonly string[];
  readonly network: readonly string[];
  readonly webview: readonly string[];
}

export type Dependency =
  | { readonly id: string; readonly digest: string }
  | { readonly id: string; readonly min_sequence: number; readonly max_sequence: number };

/** `index.json`, member for member. */
export interface PackageIndex {
  readonly format: "sampan-package/1";
  readonly app: string;
  readonly kind: "miniapp" | "shared";
  readonly version: string;
  readonly sequence: number;
  readonly min_host: number;
  readonly permissions: Permissions;
  readonly dependencies: readonly Dependency[];
  readonly sub_packages: readonly { readonly name: string; readonly root: string; readonly independent: boolean }[];
  readonly pages: readonly string[];
  readonly redirects: readonly { readonly from: string; readonly to: string }[];
  readonly archive: { readonly size: number; readonly sha256: string };
  readonly files: readonly FileEntry[];
}

/** Everything that proves an installed version without a network; `TufTree.chain` exports it, `verifyInstalled` reads it. */
export interface StoredChain {
  /** Roots above the built-in one, in order. */
  readonly roots: readonly Uint8Array[];
  readonly targets: Uint8Array;
  readonly role: Uint8Array;
  /** Where the package is a version with hotfixes: the index of that version, and their documents, rising. */
  readonly stack?: { readonly base: Uint8Array; readonly documents: readonly Uint8Array[] };
}

/** What an installed version turned out to be. */
export interface VerifiedInstall {
  readonly index: PackageIndex;
  readonly version: SignedVersion;
  readonly role: AppRole;
}
