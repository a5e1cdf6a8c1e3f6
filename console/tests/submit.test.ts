import { describe, expect, it } from "vitest";
import { MOST, type Said, withCall, withNote } from "../src/pages/apps/said";
import { isPackageName, readSigned, shellWord, signedName } from "../src/pages/apps/submit";

const SIGNED = { app: "a.b", sequence: 2, digest: "sha256:00", bodies: { intl: { signed: {}, signatures: [] } } };

describe("the files that a publisher gives", () => {
  it("knows a package by its name", () => {
    expect(["a-1.0.ma", "A.MA", "x.zip"].map(isPackageName)).toEqual([true, true, true]);
    expect(["publisher.pem", "ma", "a.ma.json"].map(isPackageName)).toEqual([false, false, false]);
  });

  it("reads what the command line signed, and nothing else", () => {
    expect(readSigned(JSON.stringify(SIGNED))).toEqual(SIGNED);
    const wrong = ["", "[]", "null", "7", "{}", JSON.stringify({ ...SIGNED, bodies: {} })];
    expect([...wrong, JSON.stringify({ ...SIGNED, bodies: { intl: 1 } })].map(readSigned)).toEqual(Array(7).fill(null));
  });

  it("makes one word of a file's name", () => {
    expect(shellWord("bank.demo-1.0.0.ma")).toBe("bank.demo-1.0.0.ma");
    expect(shellWord("my app's; rm -rf.ma")).toBe(`'my app'\\''s; rm -rf.ma'`);
    expect(signedName("bank.demo-1.0.0.ma")).toBe("bank.demo-1.0.0.signed.json");
  });
});

describe("what an app said in a preview", () => {
  it("counts the same thing once, with how often", () => {
    let said: readonly Said[] = [];
    said = withCall(said, "pay", null);
    said = withCall(said, "pay", null);
    said = withCall(said, "camera", "permission_denied");
    said = withNote(said, { note: "csp_refused", directive: "connect-src", blocked: "https://evil.example" });
    said = withNote(said, { note: "boot", milliseconds: 3 });
    expect(said.map((each) => [each.kind, each.what, each.code, each.times])).toEqual([
      ["answered", "pay", "", 2],
      ["refused", "camera", "permission_denied", 1],
      ["blocked", "connect-src https://evil.example", "", 1],
    ]);
  });

  it("has a bound that an app cannot pass", () => {
    let said: readonly Said[] = [];
    for (let n = 0; n < MOST * 2; n++) said = withCall(said, `m${n}`, "not_available");
    expect(said).toHaveLength(MOST);
  });
});
