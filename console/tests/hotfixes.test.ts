/** Hotfixes as the console shows and makes them: differences beside each other, operations, days, and the commands. */

import { describe, expect, test } from "vitest";
import { type Line, sideBySide } from "../src/pages/apps/sideBySide";
import { daysOf } from "../src/pages/hotfixes/days";
import { commands, type Entered, quoted, wrongIn } from "../src/pages/hotfixes/making";
import { operationsOf } from "../src/pages/hotfixes/operations";
import {
  bareVersion,
  deliverableOf,
  goingOut,
  type Hotfix,
  hintOf,
  historyState,
  hotfixPath,
  patchedOf,
  releasePath,
  waitingHotfixes,
} from "../src/pages/hotfixes/words";
import { appOf, isPackage, isWatched, KINDS, versionSaid } from "../src/pages/releases/kindNames";
import { bodyOf, NO_CAP, NO_RULES, NO_SCHEDULE, newStage } from "../src/pages/releases/plan";

const line = (change: Line["change"], old_line: number | null, now: number | null, text: string): Line => ({
  change,
  old_line,
  line: now,
  text,
});

test("what replaces each other stands beside each other, and what is the same on both sides", () => {
  const lines = [
    line("same", 1, 1, "a"),
    line("removed", 2, null, "b"),
    line("removed", 3, null, "c"),
    line("added", null, 2, "B"),
    line("same", 4, 3, "d"),
    line("added", null, 4, "e"),
    line("removed", 5, null, "f"),
  ];
  expect(sideBySide(lines).map(({ old, now }) => [old?.text ?? null, now?.text ?? null])).toEqual([
    ["a", "a"],
    ["b", "B"],
    ["c", null],
    ["d", "d"],
    [null, "e"],
    ["f", null],
  ]);
});

test("operations show the value that they take and the one that they put, null too, and none where there is none", () => {
  const patch = [
    { op: "replace", path: "/eur", value: null },
    { op: "remove", path: "/usd" },
    { op: "move", path: "/a", from: "/b" },
  ];
  expect(operationsOf(patch, ["3", "null", null])).toEqual([
    { op: "replace", path: "/eur", from: "", old: "3", value: "null" },
    { op: "remove", path: "/usd", from: "", old: "null", value: null },
    { op: "move", path: "/a", from: "/b", old: null, value: null },
  ]);
});

test("the hint of what is public says how far a release of it came", () => {
  const hint = (state: string, ...states: string[]) =>
    hintOf({ state, releases: states.map((each) => ({ state: each })) } as Hotfix);
  expect(hint("published")).toBe("stateHint_published");
  expect(hint("published", "submitted", "rolled_back")).toBe("stateHint_published");
  expect(hint("published", "running", "completed")).toBe("stateHint_running");
  expect(hint("published", "stopped", "completed")).toBe("stateHint_completed");
  expect(hint("withdrawn", "completed")).toBe("stateHint_withdrawn");
});

test("a day without a report is a day of none", () => {
  const day = 86_400_000;
  const point = { at_ms: 2 * day + 5, opens: 7 } as Parameters<typeof daysOf>[0][number];
  const { days, of } = daysOf([point], day, 3 * day + 1);
  expect(days).toEqual([day, 2 * day, 3 * day]);
  expect(of("opens")).toEqual([0, 7, 0]);
});

test("what waits for a reviewer is found among all that waits, by its place", () => {
  const matter = { key: "", zh: "", en: "", severity: "warning" as const, since_ms: 5 };
  const link = hotfixPath({ app: "bank.demo", sequence: 3, n: 2 });
  const found = waitingHotfixes([
    { ...matter, kind: "hotfix_waiting", link },
    { ...matter, kind: "hotfix_needs_signature", link },
    { ...matter, kind: "hotfix_waiting", link: "/somewhere" },
  ]);
  expect(found).toEqual([{ app: "bank.demo", sequence: 3, n: 2, since: 5 }]);
});

describe("the commands", () => {
  const set: Entered = { how: "set", path: "app.js", file: "dist/app.js" };
  const about = { app: "bank.demo.bills", sequence: 4, n: 2, on: null, title: "" };

  test("name every change, and the file that the second one signs", () => {
    const entered: Entered[] = [
      set,
      { how: "json", path: "data/rates.json", file: "ops.json" },
      { how: "delete", path: "old.js", file: "left over" },
      { how: "set", path: " ", file: "" },
    ];
    expect(commands(entered, { ...about, on: 0, title: "The customer's rates" })).toEqual([
      "sampan hotfix make bank.demo.bills --sequence 4 --on 0 --set app.js=dist/app.js" +
        " --json-patch data/rates.json=ops.json --delete old.js -o bank.demo.bills-4-2.hotfix",
      "sampan hotfix publish bank.demo.bills-4-2.hotfix --key publisher.pem" +
        " --title 'The customer'\\''s rates' --wait",
    ]);
  });

  test("run nothing that somebody entered", () => {
    expect(quoted("app.js")).toBe("app.js");
    expect(quoted("$(rm -rf ~)")).toBe("'$(rm -rf ~)'");
    expect(quoted("a'; b")).toBe("'a'\\''; b'");
    expect(quoted("资料.json")).toBe("'资料.json'");
    expect(quoted("-x")).toBe("-x");
  });

  test.each([
    ["saysNothing", [{ ...set, path: "", file: "" }]],
    ["incomplete", [{ ...set, file: "" }]],
    ["incomplete", [{ ...set, path: "" }]],
    ["manifest", [{ ...set, path: "manifest.json" }]],
    ["twice", [set, { ...set, how: "delete" as const }]],
    ["unknownPath", [{ ...set, how: "json" as const, path: "no.json" }]],
    [undefined, [{ ...set, path: "new.js" }]],
    [undefined, [{ how: "delete" as const, path: "app.js", file: "" }]],
  ])("%s", (kind, entered) => {
    expect(wrongIn(entered, new Set(["app.js"]))?.kind).toBe(kind);
  });

  test("a path that nobody can look up is not called unknown", () => {
    expect(wrongIn([{ how: "delete", path: "no.js", file: "" }], null)).toBeNull();
  });
});

describe("releases of hotfixes and of native patches", () => {
  test("a hotfix is released as a number of a version", () => {
    expect(deliverableOf("bank.demo", 3)).toBe("bank.demo@3");
    expect(patchedOf("bank.demo@3")).toEqual({ app: "bank.demo", sequence: 3 });
    expect(patchedOf("bank.demo")).toEqual({ app: "bank.demo", sequence: 0 });
    expect(releasePath({ app: "bank.demo", sequence: 3, n: 1, stack: [1] })).toMatch(/&sequence=1&back=0$/);
    expect(releasePath({ app: "bank.demo", sequence: 3, n: 2, stack: [1, 2] })).toBe(
      "/releases/new?kind=hotfix&app=bank.demo%403&sequence=2&back=1",
    );
    expect(appOf({ kind: "hotfix", deliverable: "bank.demo@3" })).toBe("bank.demo");
    expect(appOf({ kind: "native", deliverable: "bank.lib" })).toBe("bank.lib");
  });

  test("gates watch what devices report on; only whole packages have places and client rules", () => {
    expect(KINDS.filter((kind) => isWatched({ kind }))).toEqual(["miniapp", "hotfix", "native", "shared"]);
    expect(KINDS.filter((kind) => isPackage({ kind }))).toEqual(["miniapp", "native", "shared"]);
    const values = {
      id: "bank.demo@1",
      sequence: 2,
      audience: { all: [] },
      update_mode: "async",
      rollback_to: 0,
      client_rules: { ...NO_RULES, wifi_only: true },
      cap: { ...NO_CAP, on: true },
      stages: [newStage("all", 10_000)],
      schedule: NO_SCHEDULE("UTC"),
    };
    const body = bodyOf({ ...values, kind: "hotfix" });
    expect(body).toMatchObject({ kind: "hotfix", rollback_to: 0, client_rules: NO_RULES, cap: null });
    expect(body.stages?.[0]?.gate).not.toBeNull();
    expect(bodyOf({ ...values, kind: "native" })).toMatchObject({ client_rules: { wifi_only: true } });
    expect(bodyOf({ ...values, kind: "switch" }).stages?.[0]?.gate).toBeNull();
  });

  test("each kind says its versions in its own way", () => {
    const item = { version: "1.2.0", sequence: 3 };
    expect(versionSaid("native", item)).toBe("1.2.0 (#3)");
    expect(versionSaid("switch", item)).toBe("#3");
    expect(versionSaid("hotfix", { version: "Hotfix 3", sequence: 3 })).toBe("Hotfix 3");
  });
});

test("of a hotfix that was public the history says that it was withdrawn, never that a version was killed", () => {
  expect(historyState("killed")).toBe("withdrawn");
  expect(historyState("published")).toBe("published");
});

test("the version under a hotfix is called without the hotfix's number, and only without that", () => {
  expect(bareVersion("1.0.1+2", 2)).toBe("1.0.1");
  expect(bareVersion("1.0.1", 2)).toBe("1.0.1");
  expect(bareVersion("1.0.1+12", 2)).toBe("1.0.1+12");
});

test("a release goes out from the moment that it waits for its approval until it ends", () => {
  const of = (...states: Hotfix["releases"][number]["state"][]) =>
    goingOut({ releases: states.map((state) => ({ id: state, state, stage: 0, stages: 1, started_ms: 0 })) });
  expect(of("stopped", "running")?.id).toBe("running");
  expect(of("submitted")?.id).toBe("submitted");
  expect(of("draft", "completed", "stopped", "rolled_back")).toBeNull();
});
