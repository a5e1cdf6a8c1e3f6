import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BRIDGE_VERSION } from "../src/bridge/protocol";
import { OriginFrame } from "../src/container/frame";
import { NOT_READY } from "../src/origin/direct";

const ORIGIN = "http://label.apps.sampan.localhost";

/** A page with one frame, whose messages and loads the test sends itself. */
function framed() {
  let load = () => undefined as unknown;
  const heard = new Set<(event: unknown) => void>();
  vi.stubGlobal("addEventListener", (_type: string, hear: (event: unknown) => void) => heard.add(hear));
  vi.stubGlobal("removeEventListener", (_type: string, hear: (event: unknown) => void) => heard.delete(hear));
  const inside = { postMessage: vi.fn() };
  const element = {
    contentWindow: inside,
    style: {},
    setAttribute: () => undefined,
    addEventListener: (_type: string, heard: () => void) => {
      load = heard;
    },
    remove: () => undefined,
  };
  const mount = { ownerDocument: { createElement: () => element }, append: () => undefined };
  const frame = new OriginFrame(ORIGIN, mount as unknown as HTMLElement, "app", undefined, "/pages/index/");
  const listener = { onDocument: vi.fn(), onFlood: vi.fn(), onLeft: vi.fn() };
  const arrived = frame.begin(listener);
  const say = (refused?: string) => {
    const hello = { sampan: "hello", nonce: "n", version: BRIDGE_VERSION, sequence: 1, digest: "d", refused };
    for (const hear of [...heard]) hear({ source: inside, origin: ORIGIN, data: hello });
  };
  return { frame, listener, arrived, say, load: () => load() };
}

describe("a frame that says hello again and again", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("is a flood, whatever the hellos say", async () => {
    for (const refused of [undefined, NOT_READY]) {
      const { frame, listener, say } = framed();
      for (let n = 0; n < 30; n++) say(refused);
      expect(listener.onFlood).not.toHaveBeenCalled();
      say(refused);
      expect(listener.onFlood).toHaveBeenCalledTimes(1);
      frame.close();
    }
  });

  it("is answered as long as it is none", async () => {
    const { frame, listener, arrived, say } = framed();
    say();
    expect(await arrived).toBe(true);
    expect(listener.onDocument).toHaveBeenCalledTimes(1);
    frame.close();
  });
});

describe("a document that loads", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  /** Play what the frame does, then wait; return how often it was found to have left. */
  async function left(...steps: ("hello" | "load" | "wait")[]): Promise<number> {
    const { frame, listener, say, load } = framed();
    say();
    load();
    for (const step of steps) {
      if (step === "hello") say();
      else if (step === "load") load();
      else await vi.advanceTimersByTimeAsync(2_000);
    }
    frame.close();
    await vi.advanceTimersByTimeAsync(60_000);
    return listener.onLeft.mock.calls.length;
  }

  it("is a page of the app with its hello, before or a little after", async () => {
    expect(await left("hello", "load", "load", "hello", "hello", "load", "wait")).toBe(0);
  });

  it("has left without one", async () => {
    expect(await left("load", "wait")).toBe(1);
    expect(await left("load", "load")).toBe(1);
    expect(await left("hello", "load", "load", "wait")).toBe(1);
  });

  it("has left also when a page of the app follows at once, whose hello then is missing", async () => {
    expect(await left("load", "hello", "load", "wait")).toBe(1);
  });

  it("is not judged once the frame is gone", async () => {
    expect(await left("load")).toBe(0);
  });
});
