import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { App } from "../src/app";
import { changeSettings } from "../src/settings";
import { previewHost } from "./preview_host";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
let place: HTMLElement;
let end: () => void = () => {};

async function show(hash: string, host = previewHost()): Promise<typeof host> {
  location.hash = hash;
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
  end();
  place.remove();
});

test("an app above the customer's tier is shown locked, with the tier that it needs", async () => {
  await show("#/apps");
  expect(place.textContent).toContain("Needs: E-account");
});

test("rising to the next tier opens its app without a reload", async () => {
  const host = await show("#/apps");
  await act(async () => host.raiseTo("full"));
  expect(place.querySelectorAll(".row.locked")).toHaveLength(0);
});

test("a killed app says so, with its code", async () => {
  await show("#/app/bank.demo.bills");
  expect(place.textContent).toContain("Your bank has withdrawn this app");
  expect(place.querySelector("code")?.textContent).toBe("open_killed");
});

test("easy mode shows only what opens", async () => {
  changeSettings({ isElder: true });
  await show("#/home");
  expect(place.querySelectorAll(".elder-row")).toHaveLength(1);
});

test("language and appearance reach the document", async () => {
  changeSettings({ language: "zh", appearance: "dark" });
  await show("#/home");
  expect(document.documentElement.lang).toBe("zh-CN");
  expect(document.documentElement.dataset.appearance).toBe("dark");
});
