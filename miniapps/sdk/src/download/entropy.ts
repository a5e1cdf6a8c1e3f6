/** The two entropy codes of Zstandard (RFC 8878, section 4): FSE tables and Huffman trees, read with every bound checked. */

import { demand } from "../trust/refused";

/** Refuse what is no valid frame. */
export function must(isValid: boolean): asserts isValid {
  demand(isValid, "delta_refused", "The delta is damaged.");
}

/** A stream of bits that is read from its end; before its beginning there are zeros, and `left` is negative then. */
export class BackwardBits {
  left: number;

  constructor(private readonly bytes: Uint8Array) {
    const last = bytes.at(-1) ?? 0;
    must(last !== 0);
    this.left = 8 * (bytes.length - 1) + highestBit(last);
  }

  /** Return the next `count` bits, at most 32. */
  read(count: number): number {
    if (count <= 16) return this.few(count);
    const high = this.few(count - 16);
    return high * 65_536 + this.few(16);
  }

  private few(count: number): number {
    this.left -= count;
    const { bytes, left } = this;
    const at = left >> 3;
    const three = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
    return (three >>> (left & 7)) & ((1 << count) - 1);
  }
}

/** A table of FSE states: what each stands for, and which follows it. */
export interface StateTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly next: Uint16Array;
}

/** The one state of a symbol that repeats. */
export function oneState(symbol: number): StateTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), next: new Uint16Array(1) };
}

/** Build the table of a distribution, whose counts add up to a power of two; -1 stands for less than one. */
export function stateTable(counts: readonly number[], log: number): StateTable {
  const size = 1 << log;
  const [symbols, bits, next] = [new Uint8Array(size), new Uint8Array(size), new Uint16Array(size)];
  const seen = counts.map((count) => Math.abs(count));
  let top = size;
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[--top] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  counts.forEach((count, symbol) => {
    for (let n = 0; n < count; n++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= top);
    }
  });
  must(at === 0);
  symbols.forEach((symbol, state) => {
    const value = seen[symbol] as number;
    seen[symbol] = value + 1;
    bits[state] = log - highestBit(value);
    next[state] = (value << (log - highestBit(value))) - size;
  });
  return { log, symbols, bits, next };
}

/** Read a table's distribution from the beginning of `bytes`; return the table and how many bytes it took. */
export function readStateTable(bytes: Uint8Array, mostLog: number, symbols: number): [StateTable, number] {
  let position = 4;
  const peek = (count: number): number => {
    const at = position >> 3;
    const three = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    return (three >> (position & 7)) & ((1 << count) - 1);
  };
  const log = 5 + ((bytes[0] ?? 0) & 15);
  must(log <= mostLog);
  const counts: number[] = [];
  let left = 1 << log;
  while (left > 0) {
    must(counts.length < symbols && position <= 8 * bytes.length);
    const count = highestBit(left + 1) + 1;
    const low = (1 << (count - 1)) - 1;
    const threshold = (1 << count) - 2 - left;
    let value = peek(count);
    const isShort = (value & low) < threshold;
    position += isShort ? count - 1 : count;
    if (isShort) value &= low;
    else if (value > low) value -= threshold;
    counts.push(value - 1);
    left -= Math.abs(value - 1);
    for (let repeat = value === 1 ? 3 : 0; repeat === 3; ) {
      repeat = peek(2);
      position += 2;
      must(counts.length + repeat <= symbols);
      for (let n = 0; n < repeat; n++) counts.push(0);
    }
  }
  const used = (position + 7) >> 3;
  must(left === 0 && used <= bytes.length);
  return [stateTable(counts, log), used];
}

/** A Huffman tree as a table of all codes of its greatest length. */
export interface Tree {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
}

const MOST_TREE_LOG = 11;
const MOST_WEIGHTS = 255;

/** Read a tree's description from the beginning of `bytes`; return the tree and how many bytes it took. */
export function readTree(bytes: Uint8Array): [Tree, number] {
  const head = bytes[0] ?? 0;
  const isPacked = head < 128;
  const used = 1 + (isPacked ? head : (head - 126) >> 1);
  must(bytes.length >= used);
  const content = bytes.subarray(1, used);
  return [treeOf(isPacked ? packedWeights(content) : plainWeights(content, head - 127)), used];
}

function plainWeights(bytes: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, n) => ((bytes[n >> 1] as number) >> (n % 2 === 0 ? 4 : 0)) & 15);
}

function packedWeights(bytes: Uint8Array): number[] {
  const [table, used] = readStateTable(bytes, 6, MOST_TREE_LOG + 2);
  const stream = new BackwardBits(bytes.subarray(used));
  const states = [stream.read(table.log), stream.read(table.log)];
  const weights: number[] = [];
  for (let turn = 0; ; turn ^= 1) {
    const state = states[turn] as number;
    weights.push(table.symbols[state] as number);
    states[turn] = (table.next[state] as number) + stream.read(table.bits[state] as number);
    if (stream.left < 0) {
      weights.push(table.symbols[states[turn ^ 1] as number] as number);
      break;
    }
    must(weights.length < MOST_WEIGHTS);
  }
  return weights;
}

/** The weight of the last symbol is not written: it is what is missing to a power of two. */
function treeOf(weights: number[]): Tree {
  const sum = weights.reduce((all, weight) => all + (weight > 0 ? 2 ** (weight - 1) : 0), 0);
  must(weights.length <= MOST_WEIGHTS && sum > 0 && sum < 1 << MOST_TREE_LOG);
  const log = highestBit(sum) + 1;
  const missing = (1 << log) - sum;
  must((missing & (missing - 1)) === 0);
  const all = [...weights, highestBit(missing) + 1];
  const [symbols, bits] = [new Uint8Array(1 << log), new Uint8Array(1 << log)];
  let at = 0;
  for (let weight = 1; weight <= log; weight++) {
    all.forEach((each, symbol) => {
      if (each !== weight) return;
      const end = at + (1 << (weight - 1));
      symbols.fill(symbol, at, end);
      bits.fill(log + 1 - weight, at, end);
      at = end;
    });
  }
  must(at === 1 << log);
  return { log, symbols, bits };
}

/** Fill `out` with what one stream of the tree's codes says; it must say exactly so much. */
export function readCodes(tree: Tree, bytes: Uint8Array, out: Uint8Array): void {
  const stream = new BackwardBits(bytes);
  const mask = (1 << tree.log) - 1;
  let state = stream.read(tree.log);
  for (let at = 0; at < out.length; at++) {
    out[at] = tree.symbols[state] as number;
    const count = tree.bits[state] as number;
    state = ((state << count) & mask) | stream.read(count);
  }
  must(stream.left === -tree.log);
}

export const highestBit = (value: number): number => 31 - Math.clz32(value);
