import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BRIDGE_VERSION } from "../src/bridge/protocol";
import { OriginFrame } from "../src/container/frame";
import { NOT_READY } from "../src/origin/direct";

const ORIGIN = "http://label.apps.sampan.localhost";

/** A page with one frame, whose messages the test sends itself. */
function framed() {
  const heard = new Set<(event: unknown) => void>();
  vi.stubGlobal("addEventListener", (_type: string, hear: (event: unknown) => void) => heard.add(hear));
  vi.stubGlobal("removeEventListener", (_type: string, hear: (event: unknown) => void) => heard.delete(hear));
  const inside = { postMessage: vi.fn() };
  const element = {
    contentWindow: inside,
    style: {},
    setAttribute: () => undefined,
    addEventListener: () => undefined,
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
  return { frame, listener, arrived, say };
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
