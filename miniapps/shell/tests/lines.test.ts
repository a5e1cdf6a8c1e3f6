import { expect, test } from "vitest";

import { Lines } from "../src/host/lines";

test("what is said again and again is one line with a number, and pushes nothing out", () => {
  const lines = new Lines();
  lines.add("app", "permission", "user.profile permission_denied", true);
  for (let n = 0; n < 1000; n += 1) lines.add("app", "permission", "ui.title too_many_calls", true);
  expect(lines.of("app").map(({ text, times }) => [text, times])).toEqual([
    ["ui.title too_many_calls", 1000],
    ["user.profile permission_denied", undefined],
  ]);
});

test("a flood of one kind pushes out nothing of another, and has an end", () => {
  const lines = new Lines();
  lines.add("app", "permission", "login permission_denied", true);
  for (let n = 0; n < 1000; n += 1) lines.add("app", "console", `line ${n}`, false);
  const kinds = lines.of("app").map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "permission")).toHaveLength(1);
  expect(kinds.filter((kind) => kind === "console")).toHaveLength(200);
  expect(lines.of("app")[0]?.text).toBe("line 999");
});

test("calls with a trace of their own stay apart", () => {
  const lines = new Lines();
  for (const trace of ["a", "b"]) lines.add("app", "network", "GET / 200", false, trace);
  expect(lines.of("app").map(({ trace }) => trace)).toEqual(["b", "a"]);
});
