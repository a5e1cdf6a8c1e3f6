import { describe, expect, it } from "vitest";
import { daysText, weekChange } from "../src/pages/overview/days";

describe("the overview's charts", () => {
  it("compare the last week with the one before it", () => {
    expect(weekChange([9, 1, 1, 1, 1, 1, 1, 4, 2, 2, 2, 2, 2, 2, 2])).toBe(40);
    expect(weekChange([...Array(7).fill(4), ...Array(7).fill(3)])).toBe(-25);
  });
  it("compare with nothing when there was nothing, or less than two weeks", () => {
    expect(weekChange([...Array(7).fill(0), ...Array(7).fill(3)])).toBeNull();
    expect(weekChange(Array(13).fill(1))).toBeNull();
  });
  it("name the days that the server counted, whatever zone the reader is in", () => {
    expect(daysText(Date.UTC(2026, 1, 27), 3, "en-GB")).toEqual(["27 Feb", "28 Feb", "1 Mar"]);
  });
});
