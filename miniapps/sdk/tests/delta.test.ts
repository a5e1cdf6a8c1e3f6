/** Deltas of a hostile mirror. What honest deltas give is compared in test_device_shortcuts_sdk.py. */

import { describe, expect, it } from "vitest";
import { applyDelta } from "../src/download/delta";
import type { TreeSource } from "../src/download/http";
import { takeShortcut } from "../src/download/shortcuts";
import { sha256Hex } from "../src/trust/digest";
import type { PackageIndex } from "../src/trust/types";

const BASE = Uint8Array.from({ length: 300 }, (_, at) => at % 251);
const SIZE = 1_000;
const TARGET = new Uint8Array(SIZE).fill(7);
const [RAW, RLE, PACKED, RESERVED] = [0, 1, 2, 3];
const LAST = true;

/** A frame that announces `SIZE` bytes. */
const frame = (...blocks: number[][]): Uint8Array =>
  Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, SIZE & 0xff, SIZE >> 8, 0, 0, ...blocks.flat()]);

function block(kind: number, length: number, content: number[], isLast = false): number[] {
  const head = (length << 3) | (kind << 1) | Number(isLast);
  return [head & 0xff, (head >> 8) & 0xff, head >> 16, ...content];
}

const packed = (content: number[], isLast = false): number[] => block(PACKED, content.length, content, isLast);

/** No literals, and `count` matches of one length without a bit for each: tables of one state. */
function matches(count: number, lengthCode: number): number[] {
  const more = count - 0x7f00;
  return [0x00, 255, more & 0xff, more >> 8, 0x54, 0, 0, lengthCode, 1];
}

const applied = async (delta: Uint8Array): Promise<Uint8Array> =>
  applyDelta(BASE, delta, { size: SIZE, sha256: await sha256Hex(TARGET) });

describe("a delta", () => {
  it("gives the signed archive", async () => {
    const delta = frame(block(RAW, 1, [7]), block(RLE, SIZE - 1, [7], LAST));
    expect(await applied(delta)).toEqual(TARGET);
  });

  it.each([
    ["matches that go on for gigabytes", frame(...new Array(50).fill(packed(matches(98_000, 52))), [1, 0, 0])],
    ["a byte that repeats past the end", frame(...new Array(200).fill(block(RLE, 131_072, [7])), [1, 0, 0])],
    ["a block of more than 128 KiB", frame(block(RLE, 200_000, [7], LAST))],
    ["literals past the end", frame(packed([0x0d | 0xf0, 0xff, 0xff, 7, 0], LAST))],
    ["a second frame that fills the memory", frame(block(RLE, SIZE, [7], LAST), [...frame(block(RLE, 1, [7], LAST))])],
    ["blocks that say nothing, for ever", frame(...new Array(5_000).fill([0, 0, 0]), block(RLE, SIZE, [7], LAST))],
    ["a match from before the base", frame(packed([0x08, 7, 1, 0x54, 0, 12, 40, 0, 0, 0x80], LAST))],
    ["a block of no kind", frame(block(RESERVED, 0, [], LAST))],
    ["no last block", frame(block(RLE, SIZE, [7]))],
    ["a tree that was never given", frame(packed([0x13, 0x40, 0x00, 1, 0], LAST))],
    ["less than it announces", frame(block(RLE, SIZE - 1, [7], LAST))],
    ["nothing", frame()],
  ])("is refused with %s", async (_what, delta) => {
    await expect(applied(delta)).rejects.toMatchObject({ code: "delta_refused" });
  });
});

describe("a version that is installed", () => {
  it("that the disk lost does not keep the next one away", async () => {
    const archive = {
      size: 300,
      read: async (): Promise<Uint8Array> => {
        throw new DOMException("The file is gone.", "NotFoundError");
      },
    };
    const source: TreeSource = {
      fetchBytes: async () => frame(block(RLE, SIZE, [7], LAST)),
      fetchPieces: () => {
        throw new Error("not asked for here");
      },
    };
    const contents = indexOf(300);
    const found = await takeShortcut({ contents, archive }, indexOf(SIZE), source);
    expect(found).toEqual({ way: "whole", archive: null, failed: ["delta", "files"] });
  });
});

function indexOf(size: number): PackageIndex {
  const entry = { path: "a.txt", size: 10, offset: 35, sha256: "0".repeat(64), sm3: "0".repeat(64) };
  return { archive: { size, sha256: "0".repeat(64) }, files: [entry] } as unknown as PackageIndex;
}
