import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_MISSED, PULSE_MS, Pulse } from "../src/container/pulse";
import { BOOT_TIMEOUT_MS, Watchdog } from "../src/container/watchdog";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the watchdog", () => {
  it("decides once: by the first report, or by time", () => {
    const verdicts: string[] = [];
    const dog = new Watchdog((verdict) => verdicts.push(verdict));
    dog.start();
    dog.decide("booted");
    dog.decide("white_screen");
    vi.advanceTimersByTime(BOOT_TIMEOUT_MS);
    expect(verdicts).toEqual(["booted"]);
    dog.start();
    vi.advanceTimersByTime(BOOT_TIMEOUT_MS);
    dog.decide("booted");
    expect(verdicts).toEqual(["booted", "boot_timeout"]);
  });

  it("says nothing once it is stopped", () => {
    const told = vi.fn();
    const dog = new Watchdog(told);
    dog.start();
    dog.stop();
    dog.decide("white_screen");
    vi.advanceTimersByTime(BOOT_TIMEOUT_MS);
    expect(told).not.toHaveBeenCalled();
  });
});

describe("the pulse", () => {
  it("tells silence after the questions nobody answered", () => {
    const [ask, silence] = [vi.fn(), vi.fn()];
    const pulse = new Pulse(ask, silence, () => true);
    pulse.start();
    vi.advanceTimersByTime(PULSE_MS * MAX_MISSED);
    expect([ask.mock.calls.length, silence.mock.calls.length]).toEqual([MAX_MISSED, 0]);
    vi.advanceTimersByTime(PULSE_MS * 5);
    expect(silence).toHaveBeenCalledTimes(1);
  });

  it("goes on while the page answers, and does not judge a hidden one", () => {
    const silence = vi.fn();
    let isVisible = true;
    const pulse: Pulse = new Pulse(
      () => pulse.heard(),
      silence,
      () => isVisible,
    );
    pulse.start();
    vi.advanceTimersByTime(PULSE_MS * 10);
    isVisible = false;
    vi.advanceTimersByTime(PULSE_MS * 10);
    expect(silence).not.toHaveBeenCalled();
    pulse.stop();
  });
});
