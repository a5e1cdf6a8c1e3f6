/**
 * What stands in for the proof in the origin of a preview session. Nobody has countersigned what it shows, so its worker
 * believes the session that the server baked into its script: these packages, by digest, until it ends.
 */

import { digestOf } from "../trust/digest";
import { parseIndex } from "../trust/package-index";
import { demand } from "../trust/refused";
import type { AppRole, SignedVersion, VerifiedInstall } from "../trust/types";
import { treeOf } from "./config";
import type { Prove } from "./opened";

interface PreviewSession {
  readonly kind: string;
  readonly packages: readonly { readonly id: string; readonly sequence: number; readonly digest: string }[];
  readonly until_ms: number;
}

/** Return the proof by `raw`, the worker's `SAMPAN_ORIGIN`; throws when that is no preview's. */
export function provePreview(raw: unknown, nowMs: () => number = Date.now): Prove {
  const { kind, packages, until_ms: untilMs } = raw as PreviewSession;
  if (kind !== "preview" || !Array.isArray(packages) || typeof untilMs !== "number") {
    throw new Error("This worker is for previews, and came without a session.");
  }
  return async (config, app, _chain, index, wanted): Promise<VerifiedInstall> => {
    demand(nowMs() < untilMs, "preview_ended", "The preview has ended; begin it again.");
    const { sequence, digest } = wanted;
    const isNamed = packages.some((each) => each.id === app && each.sequence === sequence && each.digest === digest);
    demand(isNamed, "trust_not_listed", `This preview is not of version ${sequence} of ${app}.`);
    demand((await digestOf(index)) === digest, "trust_bytes_differ", "The index is not the one of the preview.");
    const parsed = parseIndex(index);
    const { archive } = parsed;
    const version: SignedVersion = {
      app,
      sequence,
      version: parsed.version,
      floor: 0,
      indexDigest: digest,
      indexBytes: index.length,
      packageDigest: `sha256:${archive.sha256}`,
      packageBytes: archive.size,
    };
    const versions = new Map([[sequence, version]]);
    const hotfixes = new Map();
    const tree = treeOf(config);
    const role: AppRole = { app, tree, metadataVersion: 0, expiresMs: untilMs, floor: 0, versions, hotfixes };
    return { index: parsed, version, role };
  };
}
