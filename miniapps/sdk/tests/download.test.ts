import { beforeEach, describe, expect, it, vi } from "vitest";
import { httpTree, type TreeSource } from "../src/download/http";
import { type Came, type Downloaded, downloadPackage } from "../src/download/package";
import { MemoryStore } from "../src/store/memory";
import { canonicalJson, type Json, sameBytes } from "../src/trust/canonical";
import { digestOf, sha256Hex } from "../src/trust/digest";
import { Refused } from "../src/trust/refused";
import type { SignedVersion } from "../src/trust/types";

const APP = "bank.demo.a";
const PATH = "a.txt";
const MEGABYTE = 1024 * 1024;

/** A package of one file. What stands around it in the archive is bound by the archive's digest alone. */
async function packed(size: number): Promise<{ version: SignedVersion; index: Uint8Array; archive: Uint8Array }> {
  const offset = 30 + PATH.length;
  const archive = new Uint8Array(offset + size + 46 + PATH.length + 22).fill(7);
  const content = archive.subarray(offset, offset + size);
  for (let at = 0; at < size; at++) content[at] = at % 251;
  const index = canonicalJson({
    format: "sampan-package/1",
    app: APP,
    kind: "miniapp",
    version: "1.0.0",
    sequence: 1,
    min_host: 1,
    permissions: { bridge: [], network: [], webview: [] },
    dependencies: [],
    sub_packages: [],
    pages: ["index"],
    redirects: [],
    archive: { size: archive.length, sha256: await sha256Hex(archive) },
    files: [{ path: PATH, size, offset, sha256: await sha256Hex(content), sm3: "0".repeat(64) }],
  } satisfies Json);
  const version: SignedVersion = {
    app: APP,
    sequence: 1,
    version: "1.0.0",
    floor: 0,
    indexDigest: await digestOf(index),
    indexBytes: index.length,
    packageDigest: await digestOf(archive),
    packageBytes: archive.length,
  };
  return { version, index, archive };
}

let store: MemoryStore;
let asked: number[];
let breakAt: number | null;

beforeEach(() => {
  store = new MemoryStore();
  asked = [];
  breakAt = null;
});

function source(index: Uint8Array, archive: Uint8Array): TreeSource {
  return {
    fetchBytes: async () => index,
    async *fetchPieces(_path, offset) {
      asked.push(offset);
      for (let at = offset; at < archive.length; at += 100_000) {
        if (breakAt !== null && at >= breakAt) throw new Refused("trust_unreachable", "the line broke");
        yield archive.subarray(at, at + 100_000);
      }
    },
  };
}

/** Compared as bytes: the test runner's own comparison takes minutes for a megabyte. */
async function expectWhole(download: Promise<Downloaded>, archive: Uint8Array): Promise<void> {
  expect(sameBytes((await download).archive, archive)).toBe(true);
}

describe("a download", () => {
  it("returns what was signed, and tells how far it has come", async () => {
    const { version, index, archive } = await packed(300_000);
    const told: unknown[] = [];
    const progress = {
      downloaded: (bytes: number, { way, failed }: Came) => void told.push(bytes, way, failed),
      verified: () => void told.push("verified"),
    };
    const found = await downloadPackage(version, source(index, archive), store, progress);
    expect(sameBytes(found.archive, archive)).toBe(true);
    expect(found.contents.files.map((file) => file.path)).toEqual([PATH]);
    expect(told).toEqual([archive.length, "whole", [], "verified"]);
  });

  it("goes on where the line broke, however often it breaks", async () => {
    const { version, index, archive } = await packed(3 * MEGABYTE);
    for (breakAt = 100_000; breakAt < archive.length; breakAt += 700_000) {
      await expect(downloadPackage(version, source(index, archive), store)).rejects.toMatchObject({
        code: "trust_unreachable",
      });
    }
    breakAt = null;
    await expectWhole(downloadPackage(version, source(index, archive), store), archive);
    expect(asked).toEqual([...asked].sort((a, b) => a - b));
    expect(asked.at(-1)).toBeGreaterThan(2 * MEGABYTE);
  });

  it("throws away what a lying mirror sent, and starts anew", async () => {
    const { version, index, archive } = await packed(200_000);
    const lie = archive.slice();
    lie[1000] = 0;
    await expect(downloadPackage(version, source(index, lie), store)).rejects.toMatchObject({
      code: "archive_mismatch",
    });
    expect(await store.keys("part/")).toEqual([]);
    await expectWhole(downloadPackage(version, source(index, archive), store), archive);
    expect(asked).toEqual([0, 0]);
  });

  it("throws away a beginning that another mirror lied about", async () => {
    const { version, index, archive } = await packed(2 * MEGABYTE);
    const lie = archive.slice();
    lie[1000] = 0;
    breakAt = 1_500_000;
    await expect(downloadPackage(version, source(index, lie), store)).rejects.toMatchObject({
      code: "trust_unreachable",
    });
    breakAt = null;
    await expect(downloadPackage(version, source(index, archive), store)).rejects.toMatchObject({
      code: "archive_mismatch",
    });
    await expectWhole(downloadPackage(version, source(index, archive), store), archive);
  });

  it("lets go of what came of another version of the app, and of nothing else", async () => {
    const [old, next] = [await packed(2 * MEGABYTE), await packed(1 * MEGABYTE)];
    const other = { ...(await packed(3 * MEGABYTE)).version, app: "bank.demo.b" };
    await store.write([
      { key: `begun/${other.app}`, value: other.indexDigest },
      { key: `part/${other.indexDigest.slice(7)}/000000000000`, value: new Uint8Array(5) },
    ]);
    breakAt = 1_500_000;
    await expect(downloadPackage(old.version, source(old.index, old.archive), store)).rejects.toMatchObject({
      code: "trust_unreachable",
    });
    breakAt = null;
    await expectWhole(downloadPackage(next.version, source(next.index, next.archive), store), next.archive);
    const left = new Set((await store.keys("part/")).map((key) => key.split("/")[1]));
    expect(left).toEqual(new Set([other.indexDigest.slice(7), next.version.indexDigest.slice(7)]));
  });

  it.each([
    ["an index that is not the signed one", (index: Uint8Array) => index.map((byte) => byte ^ 1), "trust_bytes_differ"],
    ["a shorter index", (index: Uint8Array) => index.subarray(1), "trust_bytes_differ"],
  ])("refuses %s", async (_name, change, code) => {
    const { version, index, archive } = await packed(10);
    await expect(downloadPackage(version, source(change(index), archive), store)).rejects.toMatchObject({ code });
  });

  it("stops when more comes than was announced, and does not hold it", async () => {
    const { version, index } = await packed(10);
    let sent = 0;
    const endless: TreeSource = {
      fetchBytes: async () => index,
      async *fetchPieces() {
        for (; sent < 1000; sent++) yield new Uint8Array(1000);
      },
    };
    await expect(downloadPackage(version, endless, store)).rejects.toMatchObject({ code: "trust_too_long" });
    expect(sent).toBe(0);
    expect(await store.keys("part/")).toEqual([]);
  });

  it("tells an archive that ends early apart from a wrong one", async () => {
    const { version, index, archive } = await packed(1000);
    await expect(downloadPackage(version, source(index, archive.subarray(0, 500)), store)).rejects.toMatchObject({
      code: "trust_unreachable",
    });
    await expectWhole(downloadPackage(version, source(index, archive), store), archive);
    expect(asked).toEqual([0, 500]);
  });
});

describe("the tree over HTTP", () => {
  const body = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]);
  const seen: RequestInit[] = [];
  const tree = (answer: () => Response): TreeSource =>
    httpTree("https://bank.example/trust/demo/intl/", {
      fetch: async (_url, init) => {
        seen.push(init ?? {});
        return answer();
      },
    });

  async function collected(pieces: AsyncIterable<Uint8Array>): Promise<number[]> {
    const found: number[] = [];
    for await (const piece of pieces) found.push(...piece);
    return found;
  }

  it.each([404, 403])("takes %d for no such file", async (status) => {
    expect(await tree(() => new Response("", { status })).fetchBytes("metadata/2.root.json", 10)).toBe(null);
  });

  it.each([500, 204, 302])("takes %d for no answer", async (status) => {
    const answer = () => new Response(null, { status });
    await expect(tree(answer).fetchBytes("x", 10)).rejects.toMatchObject({ code: "trust_unreachable" });
  });

  it("ends a package that comes by drops, after ten minutes", async () => {
    vi.useFakeTimers();
    try {
      let stopped: AbortSignal | null | undefined;
      const fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
        stopped = init?.signal;
        const body = new ReadableStream<Uint8Array>({
          start(stream) {
            const dripping = setInterval(() => stream.enqueue(new Uint8Array(1)), 15_000);
            stopped?.addEventListener("abort", () => {
              clearInterval(dripping);
              stream.error(new Error("stopped"));
            });
          },
        });
        return new Response(body);
      };
      const drops = collected(httpTree("https://bank.example", { fetch }).fetchPieces("x", 0));
      drops.catch(() => undefined);
      await vi.advanceTimersByTimeAsync(590_000);
      expect(stopped?.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(11_000);
      expect(stopped?.aborted).toBe(true);
      await expect(drops).rejects.toMatchObject({ code: "trust_unreachable" });
    } finally {
      vi.useRealTimers();
    }
  });

  it("takes a broken line for no answer", async () => {
    const gone = () => {
      throw new TypeError("network");
    };
    await expect(tree(gone).fetchBytes("x", 10)).rejects.toMatchObject({ code: "trust_unreachable" });
    await expect(collected(tree(gone).fetchPieces("x", 0))).rejects.toMatchObject({ code: "trust_unreachable" });
  });

  it("stops at the limit", async () => {
    expect(await tree(() => new Response(body)).fetchBytes("x", 8)).toEqual(body);
    await expect(tree(() => new Response(body)).fetchBytes("x", 7)).rejects.toMatchObject({ code: "trust_too_long" });
  });

  it("never takes the timestamp from a cache, and never sends cookies", async () => {
    await tree(() => new Response(body)).fetchBytes("metadata/timestamp.json", 8);
    expect(seen.at(-1)).toMatchObject({ cache: "no-store", credentials: "omit", redirect: "error" });
  });

  it("asks for a range, and reads past the offset when the server ignores it", async () => {
    expect(await collected(tree(() => new Response(body)).fetchPieces("x", 3))).toEqual([3, 4, 5, 6, 7]);
    expect(seen.at(-1)?.headers).toEqual({ range: "bytes=3-" });
    const partial = () => new Response(body.subarray(3), { status: 206 });
    expect(await collected(tree(partial).fetchPieces("x", 3))).toEqual([3, 4, 5, 6, 7]);
    await expect(collected(tree(partial).fetchPieces("x", 0))).rejects.toMatchObject({ code: "trust_unreachable" });
  });
});
