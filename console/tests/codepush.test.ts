/** Labels of CodePush: how they stand, and which one person may go back to. */

import { expect, test } from "vitest";
import { mayRollBackTo, presentOf, type Release, stateOf } from "../src/pages/codepush/labels";

const label = (more: Partial<Release>): Release => ({
  label: "v1",
  state: "approved",
  package_hash: "one",
  size_bytes: 1,
  app_version: "1.0.0",
  description: "",
  is_disabled: false,
  is_mandatory: false,
  rollout: 100,
  method: "Upload",
  original_label: "",
  original_deployment: "",
  change: "",
  released_by: "",
  created_ms: 1,
  ...more,
});

test("a label that waits is not called disabled", () => {
  expect(stateOf(label({ state: "waiting", is_disabled: true }))).toBe("waiting");
  expect(stateOf(label({ is_disabled: true }))).toBe("disabled");
  expect(stateOf(label({}))).toBe("approved");
});

test("devices follow the newest label that was approved", () => {
  const waiting = label({ label: "v3", state: "waiting" });
  const now = label({ label: "v2" });
  expect(presentOf([waiting, now, label({})])).toBe(now);
  expect(presentOf([waiting])).toBeUndefined();
});

test.each([
  [true, {}],
  [false, { label: "v2" }],
  [false, { state: "refused" as const }],
  [false, { is_disabled: true }],
  [false, { rollout: 50 }],
  [false, { app_version: "2.0.0" }],
  [false, { package_hash: "two" }],
])("one person may go back to it: %s, %o", (may, more) => {
  const present = label({ label: "v2", package_hash: "two" });
  expect(mayRollBackTo(label(more), present)).toBe(may);
  expect(mayRollBackTo(label(more), undefined)).toBe(false);
});
