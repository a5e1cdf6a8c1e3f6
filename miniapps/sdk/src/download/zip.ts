/** The bytes of the canonical stored archive (docs/protocols/package.md, section 2). */

import type { FileEntry } from "../trust/types";
import { joined } from "./http";

const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const VERSION = 20;
const MADE_BY_UNIX = 0x0314;
const IS_UTF8 = 0x0800;
const FIRST_OF_1980 = 0x0021;
const REGULAR_FILE = 0x81a40000;

/** Return the archive of these files; `contents` are theirs, in the same order. */
export function archiveOf(files: readonly FileEntry[], contents: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let position = 0;
  files.forEach((file, number) => {
    const content = contents[number] ?? new Uint8Array();
    const name = new TextEncoder().encode(file.path);
    const crc = crc32(content);
    const head = record(LOCAL_BYTES, name, (at) => {
      at.setUint32(0, 0x04034b50, true);
      at.setUint16(4, VERSION, true);
      common(at, 6, crc, content.length, name.length);
    });
    const entry = record(CENTRAL_BYTES, name, (at) => {
      at.setUint32(0, 0x02014b50, true);
      at.setUint16(4, MADE_BY_UNIX, true);
      at.setUint16(6, VERSION, true);
      common(at, 8, crc, content.length, name.length);
      at.setUint32(38, REGULAR_FILE, true);
      at.setUint32(42, position, true);
    });
    parts.push(head, content);
    directory.push(entry);
    position += head.length + content.length;
  });
  const listed = directory.reduce((sum, entry) => sum + entry.length, 0);
  const end = record(END_BYTES, new Uint8Array(), (at) => {
    at.setUint32(0, 0x06054b50, true);
    at.setUint16(8, files.length, true);
    at.setUint16(10, files.length, true);
    at.setUint32(12, listed, true);
    at.setUint32(16, position, true);
  });
  return joined([...parts, ...directory, end], position + listed + END_BYTES);
}

/** What the header before a file and its entry in the directory have in common, from the flags on. */
function common(at: DataView, from: number, crc: number, size: number, nameBytes: number): void {
  at.setUint16(from, IS_UTF8, true);
  at.setUint16(from + 6, FIRST_OF_1980, true);
  at.setUint32(from + 8, crc, true);
  at.setUint32(from + 12, size, true);
  at.setUint32(from + 16, size, true);
  at.setUint16(from + 20, nameBytes, true);
}

function record(size: number, name: Uint8Array, fill: (at: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size + name.length);
  fill(new DataView(bytes.buffer));
  bytes.set(name, size);
  return bytes;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC-32 of ISO 3309, as in every ZIP. */
function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
