/** What the TUF specification says of clients, beside the attack table that runs against whole devices. */

import { beforeEach, describe, expect, it } from "vitest";
import { MemoryStore } from "../src/store/memory";
import { metadataStore } from "../src/store/metadata";
import { isObject, type Json, parseJson } from "../src/trust/canonical";
import type { MetadataStore } from "../src/trust/ports";
import { bytes, EARLIER, NOW, Repository, Signer, signed } from "./tuf-repository";

let repo: Repository;
let store: MetadataStore;

beforeEach(async () => {
  repo = await Repository.make();
  store = metadataStore(new MemoryStore());
});

const refresh = (nowMs = NOW): Promise<void> => repo.client(store, nowMs).refresh();

async function refusal(nowMs = NOW): Promise<unknown> {
  return refresh(nowMs).then(
    () => "no refusal",
    (problem: { code: unknown }) => problem.code,
  );
}

/** The version of what is stored of a role, or null. */
async function stored(role: string): Promise<Json> {
  const data = await store.get(role);
  const value = data && parseJson(data);
  return isObject(value) && isObject(value.signed) ? (value.signed.version ?? null) : null;
}

const envelope = (path: string): { signatures: Json[]; signed: { [name: string]: Json } } =>
  parseJson(repo.files.get(path) ?? new Uint8Array()) as never;

describe("refreshing", () => {
  it("asks for each file once, and again for what may have changed alone", async () => {
    await refresh();
    expect(repo.requests).toEqual(["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]);
    repo.requests.length = 0;
    await refresh();
    expect(repo.requests).toEqual(["2.root.json", "timestamp.json"]);
  });

  it("keeps the bytes that came, not its own spelling", async () => {
    const data = new Uint8Array([...(repo.files.get("metadata/timestamp.json") ?? []), 0x20]);
    repo.files.set("metadata/timestamp.json", data);
    await refresh();
    expect(await store.get("timestamp")).toEqual(data);
  });

  it("stays with a timestamp whose content changed under the same version", async () => {
    await refresh();
    repo.versions.set("timestamp", 0);
    repo.versions.set("snapshot", 7);
    await repo.timestamp();
    await refresh();
    expect([await stored("timestamp"), await stored("snapshot")]).toEqual([1, 1]);
  });

  it("refuses a timestamp that names an older snapshot", async () => {
    await repo.commit();
    await refresh();
    repo.versions.set("snapshot", 1);
    await repo.timestamp();
    expect(await refusal()).toBe("trust_rolled_back");
    expect([await stored("timestamp"), await stored("snapshot")]).toEqual([2, 2]);
  });

  it("keeps what was verified before the step that failed", async () => {
    await refresh();
    await repo.commit();
    repo.files.delete("metadata/2.snapshot.json");
    expect(await refusal()).toBe("trust_unreachable");
    expect([await stored("timestamp"), await stored("snapshot")]).toEqual([2, 1]);
  });

  it.each(["timestamp", "snapshot", "targets"])(
    "refuses %s without its signature and keeps the one it has",
    async (role) => {
      await refresh();
      const foreign = [await Signer.make()];
      repo.signers.set(role as "targets", foreign);
      await repo.targets("targets", {});
      await repo.commit();
      expect(await refusal()).toBe("trust_not_signed");
      expect(await stored(role)).toBe(1);
    },
  );

  it.each(["root", "timestamp", "snapshot", "targets"])("refuses an expired %s", async (role) => {
    repo.expires.set(role, EARLIER);
    await repo.root();
    await repo.targets("targets", {});
    await repo.commit();
    expect(await refusal()).toBe("trust_expired");
  });

  it("compares with an expired timestamp too, but goes no further with it", async () => {
    await repo.commit();
    await refresh();
    const day = Date.parse("2032-01-01T00:00:00Z");
    repo.expires.set("root", "2033-01-01T00:00:00Z");
    repo.expires.set("timestamp", "2033-01-01T00:00:00Z");
    await repo.root();
    repo.versions.set("timestamp", 0);
    await repo.timestamp();
    expect(await refusal(day)).toBe("trust_rolled_back");
  });

  it.each([
    ["snapshot", { hashes: { sha256: "0".repeat(64) } }],
    ["snapshot", { length: 3 }],
    ["snapshot", { hashes: { md5: "0".repeat(32) } }],
    ["targets", { hashes: { sha256: "0".repeat(64) } }],
    ["targets", { hashes: { constructor: "0" } }],
  ])("refuses %s that has not what was announced: %j", async (role, extra) => {
    repo.metaExtras.set(role, extra);
    await repo.commit();
    expect(["trust_bytes_differ", "trust_too_long"]).toContain(await refusal());
  });
});

describe("signatures", () => {
  it("counts a key once, under how many names it may be listed", async () => {
    const [one] = repo.signersOf("timestamp");
    if (one === undefined) throw new Error("no signer");
    repo.signers.set("timestamp", [one, one.as("f".repeat(64))]);
    repo.thresholds.set("timestamp", 2);
    await repo.root();
    await repo.timestamp();
    expect(await refusal()).toBe("trust_not_signed");
  });

  it("refuses a file that a key has signed twice", async () => {
    const { signatures, signed: body } = envelope("metadata/timestamp.json");
    repo.files.set("metadata/timestamp.json", bytes({ signatures: [...signatures, ...signatures], signed: body }));
    expect(await refusal()).toBe("trust_refused");
  });

  it.each(["", "00", "not hex"])("minds no wrong signature beside enough good ones: %j", async (sig) => {
    repo.signersOf("timestamp").push(await Signer.make());
    await repo.root();
    await repo.timestamp();
    const { signatures, signed: body } = envelope("metadata/timestamp.json");
    const [first, second] = signatures;
    const wrong = isObject(second) ? { ...second, sig } : {};
    repo.files.set("metadata/timestamp.json", bytes({ signatures: [wrong, ...(first ? [first] : [])], signed: body }));
    await refresh();
    expect(await stored("timestamp")).toBe(2);
  });

  it("covers members that it does not know", async () => {
    const { signatures, signed: body } = envelope("metadata/timestamp.json");
    repo.files.set("metadata/timestamp.json", bytes({ signatures, signed: { ...body, "x-new": 1 } }));
    expect(await refusal()).toBe("trust_not_signed");
    const known = { ...body, "x-new": { deep: ["é", null] } };
    repo.files.set("metadata/timestamp.json", await signed(known, repo.signersOf("timestamp")));
    await refresh();
  });
});

describe("the chain of roots", () => {
  it("is followed through changes of all keys", async () => {
    for (let version = 2; version <= 4; version++) {
      const before = repo.signersOf("root");
      repo.signers.set("root", [await Signer.make()]);
      await repo.root(before);
    }
    await refresh();
    expect(await stored("root_history/4.root")).toBe(4);
    expect(repo.requests.slice(0, 4)).toEqual(["2.root.json", "3.root.json", "4.root.json", "5.root.json"]);
  });

  it("is refused where the old keys did not sign, and kept up to there", async () => {
    const [before] = [repo.signersOf("root")];
    await repo.root();
    repo.signers.set("root", [await Signer.make()]);
    await repo.root();
    expect(await refusal()).toBe("trust_not_signed");
    expect([await stored("root_history/2.root"), await stored("root_history/3.root")]).toEqual([2, null]);
    expect(before.length).toBe(1);
  });

  it("is refused where the new keys did not sign", async () => {
    const before = repo.signersOf("root");
    repo.signers.set("root", [await Signer.make()]);
    const data = await repo.root(before);
    const { signed: body } = parseJson(data) as { signed: { [name: string]: Json } };
    repo.files.set("metadata/2.root.json", await signed(body, before));
    expect(await refusal()).toBe("trust_not_signed");
  });

  it("is refused where a version is left out", async () => {
    repo.versions.set("root", 2);
    const data = await repo.root();
    repo.files.set("metadata/2.root.json", data);
    expect(await refusal()).toBe("trust_rolled_back");
  });

  it("passes an expired root on the way to a fresh one", async () => {
    repo.expires.set("root", EARLIER);
    await repo.root();
    repo.expires.delete("root");
    await repo.root();
    await refresh();
    expect(await stored("root_history/3.root")).toBe(3);
  });

  it("recovers from versions that a thief made very high, by new keys", async () => {
    repo.versions.set("timestamp", 998);
    repo.versions.set("snapshot", 998);
    await repo.commit();
    await refresh();
    repo.signers.set("timestamp", [await Signer.make()]);
    repo.signers.set("snapshot", [await Signer.make()]);
    await repo.root();
    repo.versions.set("timestamp", 1);
    repo.versions.set("snapshot", 1);
    await repo.commit();
    await refresh();
    expect([await stored("timestamp"), await stored("snapshot")]).toEqual([2, 2]);
  });

  it("begins with a root that is signed, or with nothing", async () => {
    const { signed: body } = parseJson(repo.trusted) as { signed: { [name: string]: Json } };
    repo.trusted = await signed(body, [await Signer.make()]);
    expect(await refusal()).toBe("trust_not_signed");
    repo.trusted = bytes({ signatures: [], signed: { _type: "root" } });
    expect(await refusal()).toBe("trust_refused");
    expect(repo.requests).toEqual([]);
  });
});

describe("delegations", () => {
  async function found(path: string): Promise<[string | null, string[]]> {
    repo.requests.length = 0;
    const client = repo.client(store);
    await client.refresh();
    const target = await client.find(path);
    const roles = repo.requests.filter((each) => !/(root|timestamp|snapshot|targets)\.json$/.test(each));
    return [target?.hashes.get("sha256")?.slice(0, 8) ?? null, roles];
  }

  it("are searched in order, depth first, until one ends the search", async () => {
    const [a, b, c] = [await Signer.make(), await Signer.make(), await Signer.make()];
    const under = [{ name: "c", signers: [c], paths: ["x/*"] }];
    await repo.targets("targets", {}, [
      { name: "a", signers: [a], paths: ["x/*"] },
      { name: "b", signers: [b], paths: ["x/*"], isTerminating: true },
      { name: "never", signers: [a], paths: ["x/*"] },
    ]);
    await repo.targets("a", {}, under, [a]);
    await repo.targets("b", {}, [], [b]);
    await repo.targets("c", {}, [], [c]);
    await repo.commit();
    expect(await found("x/1")).toEqual([null, ["1.a.json", "1.c.json", "1.b.json"]]);
    expect(await found("y/1")).toEqual([null, []]);
    expect(await found("x/1/2")).toEqual([null, []]);
  });

  it("may go by the hash of the path, and have any name", async () => {
    const signer = await Signer.make();
    await repo.targets("targets", {}, [{ name: "../ü?", signers: [signer], hashPrefixes: ["2d711642"] }]);
    await repo.targets("../ü?", { x: "content" }, [], [signer]);
    await repo.commit();
    expect(await found("x")).toEqual(["ed7002b4", ["1...%2F%C3%BC%3F.json"]]);
    expect(await found("y")).toEqual([null, []]);
  });

  it("are verified against the delegator at hand, although another one's word is loaded", async () => {
    const [a, b, mine, foreign] = await Promise.all([Signer.make(), Signer.make(), Signer.make(), Signer.make()]);
    await repo.targets("targets", {}, [
      { name: "a", signers: [a], paths: ["1"] },
      { name: "b", signers: [b], paths: ["2"] },
    ]);
    await repo.targets("a", {}, [{ name: "shared", signers: [mine], paths: ["*"] }], [a]);
    await repo.targets("b", {}, [{ name: "shared", signers: [foreign], paths: ["*"] }], [b]);
    await repo.targets("shared", { 1: "one", 2: "two" }, [], [mine]);
    await repo.commit();
    const client = repo.client(store);
    await client.refresh();
    expect((await client.find("1"))?.length).toBe(3);
    await expect(client.find("2")).rejects.toMatchObject({ code: "trust_not_signed" });
  });

  it("go round in circles without end for nobody", async () => {
    const a = await Signer.make();
    await repo.targets("targets", {}, [{ name: "a", signers: [a], paths: ["*"] }]);
    await repo.targets("a", {}, [{ name: "b", signers: [a], paths: ["*"] }], [a]);
    await repo.targets("b", {}, [{ name: "a", signers: [a], paths: ["*"] }], [a]);
    await repo.commit();
    expect(await found("x")).toEqual([null, ["1.a.json", "1.b.json"]]);
  });

  it("must not take the name of a top-level role", async () => {
    const a = await Signer.make();
    await repo.targets("targets", {}, [{ name: "snapshot", signers: [a], paths: ["*"] }]);
    await repo.commit();
    expect(await refusal()).toBe("trust_refused");
  });
});
