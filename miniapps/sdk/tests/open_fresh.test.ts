import { describe, expect, it, vi } from "vitest";
import { FRESH_TIMEOUT_MS, openFresh } from "../src/container/open_fresh";
import type { Sampan } from "../src/container/start";
import { Refused } from "../src/trust/refused";

function parts(problems: (Refused | null)[], run: () => Promise<unknown> = async () => undefined, isOutdated = false) {
  const done: string[] = [];
  const next = async () => {
    const problem = problems.shift() ?? null;
    if (problem !== null) throw problem;
  };
  const made = {
    container: { open: async (app: string) => void done.push(`open ${app}`) },
    device: { mayOpen: next },
    sync: {
      run: () => {
        done.push("sync");
        return run();
      },
      mustUpdate: async () => isOutdated,
      want: () => undefined,
      damaged: async (app: string) => void done.push(`damaged ${app}`),
    },
  };
  return { done, made: made as unknown as Sampan };
}

describe("opening the newest version", () => {
  it("asks the network nothing when what is here may open", async () => {
    const { done, made } = parts([]);
    await openFresh(made, "a.b", null);
    expect(done).toEqual(["open a.b"]);
  });

  it("syncs once when nothing is here, or it is damaged", async () => {
    const missing = parts([new Refused("open_nothing_installed", "x")]);
    await openFresh(missing.made, "a.b", null);
    expect(missing.done).toEqual(["sync", "open a.b"]);
    const damaged = parts([new Refused("store_damaged", "x")], () => Promise.reject(new Error("away")));
    await openFresh(damaged.made, "a.b", null);
    expect(damaged.done).toEqual(["damaged a.b", "sync", "open a.b"]);
  });

  it("updates first what is below the minimum", async () => {
    const { done, made } = parts([], () => Promise.reject(new Error("away")), true);
    await openFresh(made, "a.b", null);
    expect(done).toEqual(["sync", "open a.b"]); // and the container refuses what is still too old
  });

  it("passes on what no sync can mend", async () => {
    const { done, made } = parts([new Refused("trust_malformed", "x")]);
    await expect(openFresh(made, "a.b", null)).rejects.toMatchObject({ code: "trust_malformed" });
    expect(done).toEqual([]);
  });

  it("waits for a newer version, but not for ever", async () => {
    vi.useFakeTimers();
    const { done, made } = parts([], () => new Promise(() => undefined));
    const opening = openFresh(made, "a.b", null, { isUpdatedFirst: true });
    await vi.advanceTimersByTimeAsync(FRESH_TIMEOUT_MS);
    await opening;
    vi.useRealTimers();
    expect(done).toEqual(["sync", "open a.b"]);
  });
});
