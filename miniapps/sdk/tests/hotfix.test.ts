/** Documents and stacks of hotfixes: what the vectors say of every client (offline_packages/tests/hotfix_vectors.py). */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { derive } from "../src/download/hotfix";
import { fromBase64 } from "../src/origin/base64";
import { digestOf } from "../src/trust/digest";
import { parseHotfix } from "../src/trust/hotfix";
import { parseIndex } from "../src/trust/package-index";
import { sourceOfBytes, verifyArchive } from "../src/trust/package-reader";

interface Vectors {
  readonly base: { readonly index: string; readonly digest: string; readonly archive: string };
  readonly cases: readonly {
    readonly name: string;
    readonly stack: readonly { readonly document: string; readonly content: string }[];
    readonly index?: string;
    readonly digest?: string;
    readonly code?: string;
  }[];
  readonly documents: readonly { readonly name: string; readonly document: string; readonly code: string }[];
}

const FILE = new URL("../../../offline_packages/tests/hotfix_vectors.json", import.meta.url);
const { base, cases, documents }: Vectors = JSON.parse(readFileSync(FILE, "utf8"));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

it.each(cases)("a stack: $name", async ({ stack, index, digest, code }) => {
  const fixes = stack.map((each) => ({
    hotfix: parseHotfix(utf8(each.document)),
    content: fromBase64(each.content),
  }));
  const archive = sourceOfBytes(fromBase64(base.archive));
  const made = derive(parseIndex(utf8(base.index)), base.digest, archive, fixes);
  if (code !== undefined) return expect(made).rejects.toMatchObject({ code });
  const found = await made;
  expect(new TextDecoder().decode(found.index)).toBe(index);
  expect(await digestOf(found.index)).toBe(digest);
  await verifyArchive(parseIndex(found.index), found.archive);
});

it.each(documents)("a document: $name", ({ document, code }) => {
  expect(() => parseHotfix(fromBase64(document))).toThrow(expect.objectContaining({ code }));
});

it("has both good and hostile vectors", () => {
  expect(cases.filter((each) => each.code === undefined).length).toBeGreaterThan(4);
  expect(documents.length).toBeGreaterThan(30);
});
