import { expect, test } from "vitest";
import { importType } from "../src/pages/customers/import";

test.each([
  ["customers.csv", "text/csv"],
  ["Customers.March.CSV", "text/csv"],
  ["lines.ndjson", "application/x-ndjson"],
  ["lines.jsonl", "application/x-ndjson"],
  ["customers.xlsx", null],
  ["csv", null],
  ["odd.constructor", null],
])("%s is announced as %s", (name, type) => {
  expect(importType(name)).toBe(type);
});
