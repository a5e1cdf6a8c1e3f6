/** Hotfixes on their way to the device: fetched with limits, checked by the role, and made into a package with their base. */

import { digestOf, sha256Hex } from "../trust/digest";
import {
  contentSize,
  type Hotfix,
  MAX_HOTFIX_CONTENT,
  MAX_HOTFIX_DOCUMENT,
  parseHotfix,
  stackedFiles,
  stackedIndex,
} from "../trust/hotfix";
import { fittingIndex } from "../trust/offline";
import { laidOut } from "../trust/package-index";
import { PackageReader } from "../trust/package-reader";
import type { ByteSource } from "../trust/ports";
import { demand } from "../trust/refused";
import { hotfixPath, servedPath } from "../trust/roles";
import type { PackageIndex, SignedHotfix, SignedVersion } from "../trust/types";
import { joined, type TreeSource } from "./http";
import type { Progress } from "./package";
import { archiveOf } from "./zip";

export interface PatchedPackage {
  readonly documents: readonly Uint8Array[];
  readonly index: Uint8Array;
  readonly archive: Uint8Array;
}

/**
 * Fetch the hotfixes of one stack, and return the package that they make of the version, `base` on this device. The
 * caller compares its digest with the one that control lists. Throws `trust_unreachable`, `trust_bytes_differ`,
 * `trust_too_long` or a `hotfix_` refusal; nothing was stored then.
 */
export async function downloadHotfixes(
  version: SignedVersion,
  hotfixes: readonly SignedHotfix[],
  base: { readonly index: Uint8Array; readonly archive: ByteSource },
  source: TreeSource,
  progress: Progress = {},
): Promise<PatchedPackage> {
  const documents: Uint8Array[] = [];
  const stack: Fix[] = [];
  for (const { app, sequence, n, ...signed } of hotfixes) {
    const { documentDigest, documentBytes, contentDigest, contentBytes } = signed;
    const path = (part: "json" | "bin") => hotfixPath(app, sequence, n, part);
    const document = await fetched(source, path("json"), documentDigest, documentBytes, MAX_HOTFIX_DOCUMENT);
    const hotfix = parseHotfix(document);
    const isIt = hotfix.app === app && hotfix.sequence === sequence && hotfix.n === n;
    demand(isIt, "hotfix_malformed", `The document of hotfix ${n} says that it is another one.`);
    const isSized = contentSize(hotfix) === contentBytes;
    demand(isSized, "hotfix_malformed", `The content of hotfix ${n} has another size than it tells.`);
    const content = await fetched(source, path("bin"), contentDigest, contentBytes, MAX_HOTFIX_CONTENT);
    documents.push(document);
    stack.push({ hotfix, content });
  }
  const bytes = stack.reduce((sum, { content }) => sum + content.length, 0);
  await progress.downloaded?.(bytes, { way: "hotfix", failed: [] });
  const index = fittingIndex(version, base.index);
  return { documents, ...(await derive(index, version.indexDigest, base.archive, stack)) };
}

interface Fix {
  readonly hotfix: Hotfix;
  readonly content: Uint8Array;
}

/** Return index and archive of a version with a stack of hotfixes on it. Throws `hotfix_base_differs` or `hotfix_malformed`. */
export async function derive(
  base: PackageIndex,
  baseDigest: string,
  archive: ByteSource,
  stack: readonly Fix[],
): Promise<{ index: Uint8Array; archive: Uint8Array }> {
  const hotfixes = stack.map(({ hotfix }) => hotfix);
  const { files } = laidOut(stackedFiles(base, baseDigest, hotfixes));
  const changed = new Map<string, Uint8Array>();
  for (const fix of stack) await cut(fix, changed);
  const reader = new PackageReader(base, archive);
  const contents: Uint8Array[] = [];
  for (const { path } of files) contents.push(changed.get(path) ?? (await reader.read(path)));
  const made = archiveOf(files, contents);
  return { index: stackedIndex(base, baseDigest, hotfixes, await sha256Hex(made)), archive: made };
}

/** Cut the content of a hotfix into its files, each the one that the document tells. */
async function cut({ hotfix, content }: Fix, changed: Map<string, Uint8Array>): Promise<void> {
  let position = 0;
  for (const { path, after } of hotfix.changes) {
    if (after === null) {
      changed.delete(path);
      continue;
    }
    const data = content.subarray(position, position + after.size);
    position += after.size;
    const isTold = data.length === after.size && (await sha256Hex(data)) === after.sha256;
    demand(isTold, "hotfix_malformed", `The content of ${path} is not the one that hotfix ${hotfix.n} tells.`);
    changed.set(path, data);
  }
  const told = `The content of hotfix ${hotfix.n} has another size than it tells.`;
  demand(position === content.length, "hotfix_malformed", told);
}

async function fetched(
  source: TreeSource,
  path: string,
  digest: string,
  bytes: number,
  most: number,
): Promise<Uint8Array> {
  demand(bytes <= most, "trust_too_long", `${path} is announced with ${bytes} bytes.`);
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of source.fetchPieces(servedPath(path, digest), 0)) {
    received += chunk.length;
    demand(received <= bytes, "trust_too_long", `More than the announced ${bytes} bytes came for ${path}.`);
    chunks.push(chunk);
  }
  const data = joined(chunks, received);
  demand(received === bytes, "trust_unreachable", `${path} ended early; it is fetched again at the next sync.`);
  demand((await digestOf(data)) === digest, "trust_bytes_differ", `${path} is not the signed file.`);
  return data;
}
