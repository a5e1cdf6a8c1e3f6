import { expect, it } from "vitest";
import { askedKey, directAddress, keyOf, plainAddress } from "../src/origin/direct";
import type { Wanted } from "../src/origin/messages";
import type { Prove } from "../src/origin/opened";
import { remembering } from "../src/origin/prove";

const WANTED: Wanted = { app: "bank.demo.a", sequence: 1, digest: "sha256:x", shared: [], keep: [] };

it("an address asks for one version, and the app sees it without", async () => {
  const key = await keyOf(WANTED);
  const pages = ["/index.html", "/a/b.html?x=1", "/index.html#/tab", "/index.html?x=1&y=%20#z"];
  for (const page of pages) {
    const asked = new URL(directAddress(page, key), "https://a.example");
    expect(askedKey(asked)).toBe(key);
    expect(plainAddress(asked)).toBe(page);
  }
  expect(askedKey(new URL("https://a.example/index.html?sampan-open=short"))).toBeNull();
  expect(plainAddress(new URL("https://a.example/index.html?x=1"))).toBeNull();
});

it("a key names all of what is wanted", async () => {
  const others = [
    { ...WANTED, sequence: 2 },
    { ...WANTED, digest: "sha256:y" },
    { ...WANTED, keep: ["sha256:y"] },
    { ...WANTED, shared: [{ id: "bank.demo.kit", sequence: 1, digest: "sha256:k" }] },
  ];
  const keys = await Promise.all([WANTED, ...others].map(keyOf));
  expect(new Set(keys).size).toBe(5);
});

it("the same bytes are proved once, any other byte anew, and a refusal is not remembered", async () => {
  const proved: number[] = [];
  const prove: Prove = async (_config, _app, _chain, index) => {
    proved.push(index[0] ?? 0);
    if (index[0] === 9) throw new Error("not signed");
    return { index: {}, role: { floor: 0 } } as never;
  };
  const proving = remembering(prove);
  const chain = () => ({ roots: [new Uint8Array([1])], targets: new Uint8Array([2]), role: new Uint8Array([3]) });
  const ask = (index: number, role = 3, sequence = 1) =>
    proving({} as never, "bank.demo.a", { ...chain(), role: new Uint8Array([role]) }, new Uint8Array([index]), {
      sequence,
      digest: "sha256:x",
    });
  await ask(1);
  await ask(1);
  expect(proved).toEqual([1]);
  await ask(1, 4);
  await ask(2, 4);
  await ask(2, 4, 2);
  expect(proved).toEqual([1, 1, 2, 2]);
  await expect(ask(9, 4, 2)).rejects.toThrow("not signed");
  await expect(ask(9, 4, 2)).rejects.toThrow("not signed");
  await ask(2, 4, 2);
  expect(proved).toEqual([1, 1, 2, 2, 9, 9]);
});
