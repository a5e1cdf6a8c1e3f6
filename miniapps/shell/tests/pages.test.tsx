import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../src/app";
import { type HeardCall, heardFetch } from "../src/host/heard";
import { Lines } from "../src/host/lines";
import { international } from "../src/host/phone";
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

test("the developer panel tells facts, permissions and calls in the shell's language", async () => {
  changeSettings({ language: "zh" });
  await show("#/developer/bank.demo.bills");
  await vi.waitUntil(async () => {
    await act(async () => new Promise((resolve) => setTimeout(resolve)));
    return place.querySelector(".facts");
  });
  expect(place.querySelector(".facts")?.textContent).toContain("有一个发布面向本设备");
  expect(place.textContent).toContain("清单中未申请");
  expect(place.textContent).toContain("无需申请权限");
  expect(place.textContent).toContain("拒绝 2 次");
  expect(place.textContent).toContain("编号 4bf92f3577b34da6a3ce929d0e0e4736");
});

test("why a version came or did not is told release by release, each condition with what was seen", async () => {
  changeSettings({ language: "zh" });
  await show("#/developer/bank.demo.bills");
  await vi.waitUntil(async () => {
    await act(async () => new Promise((resolve) => setTimeout(resolve)));
    return place.querySelector(".why");
  });
  const [newest, given] = [...place.querySelectorAll(".why")];
  expect(newest?.textContent).toContain("1.2.0 (3)");
  expect(newest?.textContent).toContain("内部条件（不显示）");
  expect(newest?.textContent).toContain("银行记录：4312");
  expect([...(newest?.querySelectorAll("[role=img]") ?? [])].map((sign) => sign.getAttribute("aria-label"))).toEqual([
    "不符合",
    "符合",
    "无法判断",
    "不符合",
    "不符合",
  ]);
  expect(given?.classList.contains("given")).toBe(true);
  expect(given?.textContent).toContain("本设备自报：web");
});

test("calls are told with where an app's request went, its own server's status and the trace", async () => {
  const heard: HeardCall[] = [];
  const answers = [
    new Response('{"status": 404}', { headers: { "content-length": "15", "x-trace-id": "abc" } }),
    new Response("{}", { status: 503, headers: { "x-trace-id": "def" } }),
  ];
  const request = heardFetch(
    (call) => heard.push(call),
    async () => answers.shift() ?? Response.error(),
  );
  const body = JSON.stringify({ url: "https://api.bank.example/x", method: "PUT", body_base64: "c2VjcmV0" });
  await request("https://bank.example/client/v1/apps/bank.demo.bills/fetch", { method: "POST", body });
  await request("https://bank.example/client/v1/sync", { method: "POST", body: "secret" });
  expect(heard.map(({ app, isProblem, trace }) => [app, isProblem, trace])).toEqual([
    ["bank.demo.bills", true, "abc"],
    ["", true, "def"],
  ]);
  expect(heard[0]?.text).toMatch(/^PUT https:\/\/api\.bank\.example\/x 404, \d+ ms$/);
  expect(heard[1]?.text).toMatch(/^POST \/client\/v1\/sync 503, \d+ ms$/);
});

test("a permission's uses are counted, and invented names fill no memory", () => {
  const lines = new Lines();
  for (let at = 0; at < 100; at += 1) lines.count("a", `made.up.${at}`, true);
  lines.count("b", "scan", false);
  lines.count("b", "scan", true);
  expect(lines.permissions("a", []).length).toBeLessThan(50);
  expect(lines.permissions("b", ["login"])).toEqual([
    { name: "login", isAsked: true, isFree: false, used: 0, refused: 0 },
    { name: "scan", isAsked: false, isFree: false, used: 1, refused: 1 },
  ]);
});

test("a number without its country is the bank's own, and what is no number is told before it is asked for", async () => {
  expect(international("138 0000-0001")).toBe("+8613800000001");
  expect(international("+852 5123 4567")).toBe("+85251234567");
  for (const typed of ["", "5", "1380000000", "8613800000001", "+0123456789"]) expect(international(typed)).toBeNull();
});

test("a locked app says which tier it needs, and comes back after the customer signed in", async () => {
  const host = await show("#/locked/bank.demo.bills");
  expect(place.textContent).toContain("This app needs the tier: Registered. Your tier now: Visitor.");
  const [press] = place.querySelectorAll<HTMLButtonElement>(".trial-actions button");
  await act(async () => press?.click());
  await act(async () => dispatchEvent(new Event("hashchange")));
  expect(location.hash).toBe("#/sign-in/bank.demo.bills");
  await act(async () => host.signIn("13800000001", "1"));
  await act(async () => dispatchEvent(new Event("hashchange")));
  expect(location.hash).toBe("#/app/bank.demo.bills");
});

test("a trial page says where the version stands, and a withdrawn one has nothing to press", async () => {
  await show("#/trial/bank.demo.coupons/1");
  expect(place.querySelector("h1")?.textContent).toBe("Coupon centre");
  expect(place.textContent).toContain("reviewed and signed");
  expect(place.querySelectorAll(".trial-actions")).toHaveLength(1);
  end();
  await show("#/trial/bank.demo.coupons/9");
  expect(place.textContent).toContain("has withdrawn it");
  expect(place.querySelectorAll(".trial-actions")).toHaveLength(0);
});
