import { expect, it } from "vitest";
import { readable } from "../src/pages/developer";

it("tells each fact once, an offer by its version, and no sentence beside its reason", () => {
  const told = readable([
    ["app", "bank.demo.coupons"],
    ["kept version", "-"],
    ["control serial", "1.1"],
    ["app", "bank.demo.coupons"],
    ["reason", "matched"],
    ["says", "A release means this device."],
    ["offer", JSON.stringify({ release: "rel_1", version: "1.0.0", sequence: 1, digest: "sha256:ab" })],
    ["control_serial", "1.2"],
    ["killed", "[3,4]"],
  ]);
  expect(told).toEqual([
    ["app", "bank.demo.coupons"],
    ["kept_version", "-"],
    ["control_serial", "1.1"],
    ["reason", "matched"],
    ["offer", "1.0.0 (1)"],
    ["server_control_serial", "1.2"],
    ["killed", "3, 4"],
  ]);
});

it("shows nothing where the server offers nothing", () => {
  expect(readable([["offer", "null"]])).toEqual([["offer", ""]]);
});
