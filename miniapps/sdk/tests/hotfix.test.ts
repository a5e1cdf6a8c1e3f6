/** Documents and stacks of hotfixes: what the vectors say of every client (offline_packages/tests/hotfix_vectors.py). */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { derive } from "../src/download/hotfix";
import { fromBase64 } from "../src/origin/base64";
import { digestOf } from "../src/trust/digest";
import { parseHotfix } from "../src/trust/hotfix";
import type { Targets } from "../src/trust/metadata";
import { parseIndex } from "../src/trust/package-index";
import { sourceOfBytes, verifyArchive } from "../src/trust/package-reader";
import { readAppRole } from "../src/trust/roles";

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

describe("an app's role", () => {
  const listed = (...names: string[]): Targets => {
    const custom = { "x-sampan-floor": 0, "x-sampan-version": "1" };
    const hashes = new Map([["sha256", "0".repeat(64)]]);
    const paths = names.map((name) => `apps/bank.demo.a/${name}`);
    const signed = { "x-sampan-role": "app.bank.demo.a", "x-sampan-tree": "demo/intl" };
    const targets = new Map(paths.map((path) => [path, { path, length: 1, hashes, custom }]));
    return { type: "targets", version: 1, expiresMs: 0, signed, targets, delegations: null };
  };
  const read = (...names: string[]) => [...readAppRole(listed(...names), "bank.demo.a", "demo/intl").hotfixes.keys()];
  const version = ["3/index.json", "3/package.ma"];

  it("lists hotfixes of versions that it lists, and leaves other names aside", () => {
    const fixes = ["3/hotfix-10.json", "3/hotfix-10.bin", "3/hotfix-2.bin", "3/hotfix-2.json"];
    const others = ["3/hotfix-0.json", "3/hotfix-01.bin", "3/hotfix-10000.json", "3/hotfix-1.js", "3/x/hotfix-1.json"];
    const unlisted = ["4/hotfix-1.json", "4/hotfix-1.bin"];
    expect(read(...fixes, ...others, ...unlisted, ...version)).toEqual(["3/2", "3/10"]);
  });

  it.each([["3/hotfix-1.json"], ["3/hotfix-1.bin"]])("is refused with %s alone", (name) => {
    expect(() => read(...version, name)).toThrow(expect.objectContaining({ code: "trust_malformed" }));
  });
});

it("has both good and hostile vectors", () => {
  expect(cases.filter((each) => each.code === undefined).length).toBeGreaterThan(4);
  expect(documents.length).toBeGreaterThan(30);
});
