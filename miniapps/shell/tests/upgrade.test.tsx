import { MemoryStore, type Sampan } from "@sampan/sdk";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../src/app";
import { Board } from "../src/host/board";
import type { Upgrade } from "../src/host/host";
import { readUpgrade, Upgrades } from "../src/host/upgrades";
import { changeSettings } from "../src/settings";
import { previewHost } from "./preview_host";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
const DAY_MS = 24 * 3_600_000;
const TOLD = {
  version: "5.2.0",
  build: 520,
  mode: "reminder",
  url: "https://example.com/app",
  text: { zh: "更安全", en: "Safer" },
  release: "rel_1",
};
const upgrade = (changes: Partial<typeof TOLD> = {}): Upgrade => readUpgrade({ ...TOLD, ...changes }) as Upgrade;
let place: HTMLElement;
let end: () => void = () => {};

async function show(told: Upgrade, online = true): Promise<ReturnType<typeof previewHost>> {
  location.hash = "#/home";
  const host = previewHost({ upgrade: told, online });
  const root = createRoot(place);
  await act(async () => root.render(<App host={host} />));
  end = () => act(() => root.unmount());
  return host;
}

beforeEach(() => {
  place = document.body.appendChild(document.createElement("div"));
  changeSettings({ language: "en", appearance: "light", isElder: false });
});

afterEach(() => {
  vi.useRealTimers();
  end();
  end = () => {};
  place.remove();
});

test("a reminder stands above the pages and goes when it is put off", async () => {
  await show(upgrade());
  const bar = place.querySelector(".upgrade-bar");
  expect(bar?.textContent).toContain("New version 5.2.0");
  expect(bar?.querySelector("a")?.href).toBe("https://example.com/app");
  expect(place.querySelector(".tabs")).not.toBeNull();
  await act(async () => bar?.querySelector("button")?.click());
  expect(place.querySelector(".upgrade-bar")).toBeNull();
});

test("a forced upgrade stands in place of all pages, with a link and a code", async () => {
  await show(upgrade({ mode: "forced" }));
  expect(place.querySelector(".tabs")).toBeNull();
  expect(place.querySelector("a")?.href).toBe("https://example.com/app");
  await vi.waitFor(() => expect(place.querySelector(".qr-code path")?.getAttribute("d")).toMatch(/^M4 4h7v1h-7z/));
});

test("who is offline keeps the pages, whatever was forced", async () => {
  const host = await show(upgrade({ mode: "forced" }), false);
  expect(place.querySelector(".tabs")).not.toBeNull();
  await act(async () => host.change({ online: true }));
  expect(place.querySelector(".tabs")).toBeNull();
});

test.each(["javascript:alert(1)", "http://example.com", 'https://example.com/"x', "", "data:text/html,x"])(
  "an upgrade with the link %s is none",
  (url) => {
    expect(readUpgrade({ ...TOLD, url })).toBeNull();
  },
);

test.each([null, "5.2.0", [], 7])("%s is no upgrade", (told) => {
  expect(readUpgrade(told)).toBeNull();
});

function upgradesOn(members: () => object): { board: Board; upgrades: Upgrades } {
  const board = new Board();
  const phone = { store: new MemoryStore(), sync: { members: async () => members() } } as unknown as Sampan;
  return { board, upgrades: new Upgrades(board, () => phone) };
}

test("what was put off comes back after a day, and at once when it is another release", async () => {
  vi.useFakeTimers();
  let told: object = { upgrade: TOLD };
  const { board, upgrades } = upgradesOn(() => told);
  await upgrades.answered();
  expect(board.snapshot().upgrade?.version).toBe("5.2.0");
  upgrades.putOff();
  await upgrades.answered();
  expect(board.snapshot().upgrade).toBeNull();
  vi.advanceTimersByTime(DAY_MS + 1);
  await upgrades.answered();
  expect(board.snapshot().upgrade?.release).toBe("rel_1");
  upgrades.putOff();
  told = { upgrade: { ...TOLD, release: "rel_2" } };
  await upgrades.answered();
  expect(board.snapshot().upgrade?.release).toBe("rel_2");
});

test("a forced one cannot be put off, and goes when the bank's answer has it no more", async () => {
  let told: object = { upgrade: { ...TOLD, mode: "forced" } };
  const { board, upgrades } = upgradesOn(() => told);
  await upgrades.answered();
  upgrades.putOff();
  await upgrades.answered();
  expect(board.snapshot().upgrade?.isForced).toBe(true);
  told = {};
  await upgrades.answered();
  expect(board.snapshot().upgrade).toBeNull();
});
