import { describe, expect, it } from "vitest";
import {
  byCodePoint,
  canonicalJson,
  type Json,
  metadataJson,
  NotCanonical,
  olpcJson,
  parseCanonical,
  parseJson,
} from "../src/trust/canonical";

const text = (data: Uint8Array): string => new TextDecoder().decode(data);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("RFC 8785", () => {
  it.each<[string, Json]>([
    ['{"a":[1,-2,null,true],"b":{}}', { b: {}, a: [1, -2, null, true] }],
    ['"\\u001f\\n\\"\\\\/é€"', '\u001f\n"\\/é€'],
    // Sorted by UTF-16 units, so the surrogate pair of U+1F600 stands before U+FB33.
    ['{"😀":1,"\ufb33":2}', { "\ufb33": 2, "😀": 1 }],
  ])("spells %s", (wanted, value) => {
    expect(text(canonicalJson(value))).toBe(wanted);
  });

  it.each([1.5, 2 ** 53, Number.NaN, "\ud800", { "\udc00": 1 }])("has no spelling for %j", (value) => {
    expect(() => canonicalJson(value)).toThrow(NotCanonical);
  });

  it.each(['{"b":1,"a":2}', '{"a": 1}', '{"a":1,"a":1}', '{"a":1.0}', '"\\u0041"', '{"a":-0}', "1e2", '{"a":1}\n'])(
    "refuses %s as another spelling",
    (data) => {
      expect(() => parseCanonical(bytes(data))).toThrow(NotCanonical);
    },
  );

  it("refuses what is no UTF-8, and what is nested without end", () => {
    expect(() => parseJson(new Uint8Array([0x22, 0xff, 0x22]))).toThrow(NotCanonical);
    const deep = "[".repeat(300) + "]".repeat(300);
    expect(() => parseCanonical(bytes(deep))).toThrow(NotCanonical);
  });

  it("keeps a member named __proto__ a member", () => {
    const data = bytes('{"__proto__":{"a":1}}');
    expect(text(canonicalJson(parseCanonical(data)))).toBe('{"__proto__":{"a":1}}');
  });
});

describe("the spellings of TUF", () => {
  it("signs over OLPC canonical JSON, where nothing but quote and backslash is escaped", () => {
    expect(text(olpcJson({ b: 'x\n"\\', a: "é" }))).toBe('{"a":"é","b":"x\n\\"\\\\"}');
  });

  it("writes metadata files in ASCII", () => {
    expect(text(metadataJson({ b: "é😀\u007f", a: 1 }))).toBe('{"a":1,"b":"\\u00e9\\ud83d\\ude00\\u007f"}');
  });

  it("sorts by code point", () => {
    expect(["\ufb33", "😀", "a", "\ud7ff"].sort(byCodePoint)).toEqual(["a", "\ud7ff", "\ufb33", "😀"]);
  });
});
