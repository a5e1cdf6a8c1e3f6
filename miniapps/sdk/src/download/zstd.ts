/**
 * Zstandard (RFC 8878) for bytes that nobody signed. What is written is bounded by what was announced, and the work by
 * what is written: a block cannot make a decoder copy for minutes, nor a second frame fill the memory.
 */

import {
  BackwardBits,
  must,
  oneState,
  readCodes,
  readStateTable,
  readTree,
  type StateTable,
  stateTable,
  type Tree,
} from "./entropy";

const MOST_OF_A_BLOCK = 128 * 1024;
/** An encoder makes at most 196 blocks of 128 KiB; each costs a decoder tables, however little it says. */
const LEAST_OF_A_BLOCK = 512;
const FIRST_OFFSETS = [1, 4, 8] as const;
const MOST_OFFSET_BITS = 28;

/** Return the `size` bytes that the blocks of one frame say after `history`; throw `delta_refused`. */
export function inflated(history: Uint8Array, blocks: Uint8Array, size: number): Uint8Array {
  const frame = new Frame(history, size);
  let at = 0;
  for (let left = 200 + size / LEAST_OF_A_BLOCK; ; left--) {
    must(left > 0 && at + 3 <= blocks.length);
    const head = littleEndian(blocks, at, 3);
    const [isLast, kind, length] = [(head & 1) === 1, (head >> 1) & 3, head >> 3];
    const end = at + 3 + (kind === RLE ? 1 : length);
    must(length <= MOST_OF_A_BLOCK && end <= blocks.length && kind !== RESERVED);
    const content = blocks.subarray(at + 3, end);
    if (kind === RAW) frame.put(content, content.length);
    else if (kind === RLE) frame.repeat(content[0] as number, length);
    else readBlock(frame, content);
    at = end;
    if (isLast) break;
  }
  must(at === blocks.length && frame.at === size);
  return frame.out;
}

const [RAW, RLE, , RESERVED] = [0, 1, 2, 3];

/** What has been written, and what blocks take over from those before them. */
class Frame {
  readonly out: Uint8Array;
  at = 0;
  tree: Tree | null = null;
  readonly tables: (StateTable | null)[] = [null, null, null];
  private offsets: [number, number, number] = [...FIRST_OFFSETS];

  constructor(
    private readonly history: Uint8Array,
    readonly size: number,
  ) {
    this.out = new Uint8Array(size);
  }

  put(bytes: Uint8Array, length: number): void {
    must(this.at + length <= this.size);
    this.out.set(bytes, this.at);
    this.at += length;
  }

  repeat(byte: number, length: number): void {
    must(this.at + length <= this.size);
    this.out.fill(byte, this.at, this.at + length);
    this.at += length;
  }

  /** Copy what stands `distance` back; it may overlap with what is written by that. */
  match(distance: number, length: number): void {
    const { history, out } = this;
    let from = this.at - distance;
    must(distance > 0 && from + history.length >= 0 && this.at + length <= this.size);
    const end = this.at + length;
    if (from < 0) {
      const old = Math.min(-from, length);
      out.set(history.subarray(history.length + from, history.length + from + old), this.at);
      this.at += old;
      from += old;
    }
    if (distance >= length) out.copyWithin(this.at, from, from + end - this.at);
    else for (let to = this.at; to < end; to++, from++) out[to] = out[from] as number;
    this.at = end;
  }

  /** Return the distance that a sequence names: a new one, or one of the last three. */
  distance(value: number, hasLiterals: boolean): number {
    const [first, second, third] = this.offsets;
    const place = value > 3 ? 4 : value + (hasLiterals ? 0 : 1);
    if (place === 1) return first;
    const found = value > 3 ? value - 3 : place === 2 ? second : place === 3 ? third : first - 1;
    this.offsets = [found, first, place === 2 ? third : second];
    return found;
  }
}

function readBlock(frame: Frame, block: Uint8Array): void {
  const [literals, used] = readLiterals(frame, block);
  const rest = readSequences(frame, block.subarray(used), literals);
  frame.put(rest, rest.length);
}

/** Return the literals of a block, and how many of its bytes they took. */
function readLiterals(frame: Frame, block: Uint8Array): [Uint8Array, number] {
  const [kind, form] = [(block[0] ?? 0) & 3, ((block[0] ?? 0) >> 2) & 3];
  if (kind < 2) {
    const head = [1, 2, 1, 3][form] as number;
    const size = littleEndian(block, 0, head) >> (head === 1 ? 3 : 4);
    const end = head + (kind === RLE ? 1 : size);
    must(size <= frame.size - frame.at && end <= block.length);
    return [kind === RLE ? new Uint8Array(size).fill(block[head] as number) : block.subarray(head, end), end];
  }
  const [head, bits] = [[3, 3, 4, 5][form] as number, [10, 10, 14, 18][form] as number];
  const sizes = littleEndian(block, 0, head);
  const size = Math.floor(sizes / 16) % 2 ** bits;
  const end = head + Math.floor(sizes / 2 ** (4 + bits));
  must(size <= Math.min(frame.size - frame.at, MOST_OF_A_BLOCK) && end <= block.length);
  let codes = block.subarray(head, end);
  if (kind === 2) {
    const [tree, used] = readTree(codes);
    frame.tree = tree;
    codes = codes.subarray(used);
  }
  return [readStreams(frame, codes, size, form === 0), end];
}

function readStreams(frame: Frame, codes: Uint8Array, size: number, isOne: boolean): Uint8Array {
  const { tree } = frame;
  const out = new Uint8Array(size);
  must(tree !== null);
  if (isOne) {
    readCodes(tree, codes, out);
    return out;
  }
  const part = (size + 3) >> 2;
  let at = 6;
  for (let n = 0; n < 4; n++) {
    const end = n === 3 ? codes.length : at + littleEndian(codes, 2 * n, 2);
    must(at <= end && end <= codes.length && 3 * part <= size);
    readCodes(tree, codes.subarray(at, end), out.subarray(n * part, n === 3 ? size : (n + 1) * part));
    at = end;
  }
  return out;
}

/** How the codes of a sequence become numbers: the extra bits of each code, and the number that the first one begins at. */
interface Codes {
  readonly mostLog: number;
  readonly standard: StateTable;
  readonly bits: readonly number[];
  readonly from: readonly number[];
}

function codes(mostLog: number, log: number, counts: readonly number[], bits: readonly number[], first: number): Codes {
  let next = first;
  const from = bits.map((count) => {
    const mine = next;
    next += 2 ** count;
    return mine;
  });
  return { mostLog, standard: stateTable(counts, log), bits, from };
}

const times = (count: number, value: number): number[] => new Array<number>(count).fill(value);
const OFFSET_BITS = Array.from({ length: MOST_OFFSET_BITS + 1 }, (_, code) => code);
// RFC 8878, sections 3.1.1.3.2.1 and 3.1.1.3.2.2: literals, distances, matches.
const LITERALS = codes(
  9,
  6,
  [4, 3, ...times(11, 2), ...times(3, 1), ...times(9, 2), 3, 2, ...times(5, 1), ...times(4, -1)],
  [...times(16, 0), ...times(4, 1), 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  0,
);
const DISTANCES = codes(8, 5, [...times(6, 1), ...times(3, 2), ...times(15, 1), ...times(5, -1)], OFFSET_BITS, 1);
const MATCHES = codes(
  9,
  6,
  [1, 4, 3, ...times(6, 2), ...times(37, 1), ...times(7, -1)],
  [...times(32, 0), ...times(4, 1), 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  3,
);
const ALL_CODES = [LITERALS, DISTANCES, MATCHES] as const;

/** Write a block's sequences; return the literals that stand behind the last. */
function readSequences(frame: Frame, bytes: Uint8Array, literals: Uint8Array): Uint8Array {
  const [count, head] = countOf(bytes);
  must(bytes.length >= head);
  if (count === 0) {
    must(bytes.length === head);
    return literals;
  }
  const used = readTables(frame, bytes, head);
  const [literalTable, distanceTable, matchTable] = frame.tables as [StateTable, StateTable, StateTable];
  const stream = new BackwardBits(bytes.subarray(used));
  let [literal, distance, match] = [literalTable, distanceTable, matchTable].map(({ log }) => stream.read(log)) as [
    number,
    number,
    number,
  ];
  let taken = 0;
  for (let n = 1; n <= count; n++) {
    const back = numberOf(stream, DISTANCES, distanceTable.symbols[distance] as number);
    const matchLength = numberOf(stream, MATCHES, matchTable.symbols[match] as number);
    const length = numberOf(stream, LITERALS, literalTable.symbols[literal] as number);
    must(taken + length <= literals.length && stream.left >= 0);
    frame.put(literals.subarray(taken, taken + length), length);
    taken += length;
    frame.match(frame.distance(back, length > 0), matchLength);
    if (n === count) break;
    literal = nextState(stream, literalTable, literal);
    match = nextState(stream, matchTable, match);
    distance = nextState(stream, distanceTable, distance);
  }
  must(stream.left === 0);
  return literals.subarray(taken);
}

/** How many sequences there are, and how many bytes say so. */
function countOf(bytes: Uint8Array): [number, number] {
  const [first, second, third] = [bytes[0] ?? 0, bytes[1] ?? 0, bytes[2] ?? 0];
  must(bytes.length > 0);
  if (first < 128) return [first, 1];
  if (first < 255) return [(first - 128) * 256 + second, 2];
  return [second + third * 256 + 0x7f00, 3];
}

/** Take in the three tables of a block; return where its bits begin. */
function readTables(frame: Frame, bytes: Uint8Array, at: number): number {
  const modes = bytes[at] ?? 0;
  must((modes & 3) === 0);
  let used = at + 1;
  ALL_CODES.forEach((each, n) => {
    const mode = (modes >> (6 - 2 * n)) & 3;
    if (mode === 0) frame.tables[n] = each.standard;
    else if (mode === 1) {
      must((bytes[used] ?? each.bits.length) < each.bits.length);
      frame.tables[n] = oneState(bytes[used] as number);
      used += 1;
    } else if (mode === 2) {
      const [table, length] = readStateTable(bytes.subarray(used), each.mostLog, each.bits.length);
      frame.tables[n] = table;
      used += length;
    }
    must(frame.tables[n] !== null);
  });
  return used;
}

const numberOf = (stream: BackwardBits, { from, bits }: Codes, code: number): number =>
  (from[code] as number) + stream.read(bits[code] as number);

const nextState = (stream: BackwardBits, { next, bits }: StateTable, state: number): number =>
  (next[state] as number) + stream.read(bits[state] as number);

/** Return `count` bytes as a number, at most six. */
export function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let number = 0;
  for (let n = count - 1; n >= 0; n--) number = number * 256 + (bytes[at + n] ?? 0);
  return number;
}
