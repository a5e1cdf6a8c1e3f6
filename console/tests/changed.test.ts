import { expect, test } from "vitest";
import { changedOf } from "../src/design/changed";

test("only what a person changed is sent", () => {
  const began = { name: "Retail", minimum: { ios: "5.0" }, open: true, text: "old" };
  expect(changedOf({ ...began, minimum: { ios: "5.0" } }, began)).toEqual({});
  expect(changedOf({ ...began, minimum: { ios: "5.1" }, text: "" }, began)).toEqual({
    minimum: { ios: "5.1" },
    text: "",
  });
  expect(changedOf({ name: "Retail", position: 3 }, { name: "Retail" })).toEqual({ position: 3 });
});
