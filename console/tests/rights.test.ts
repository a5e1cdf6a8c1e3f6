import { expect, test } from "vitest";
import { MENU } from "../src/app/menu";
import { holds, mayFor, opens, type Rights } from "../src/app/rights";

const nothing = { client_app: null, publisher: null, app: null };
const rights: Rights = {
  permissions: ["app:read"],
  limited: [
    { ...nothing, permissions: ["version:submit"], publisher: "pub_1" },
    { ...nothing, permissions: ["release:stop"], app: "bank.a", client_app: "retail" },
  ],
};

test("a permission held for some things is held, an absent one is not", () => {
  expect(holds(rights, "app:read")).toBe(true);
  expect(holds(rights, "version:submit")).toBe(true);
  expect(holds(rights, "version:review")).toBe(false);
});

test.each([
  ["app:read", {}, true],
  ["version:submit", { publisher: "pub_1", app: "bank.x" }, true],
  ["version:submit", { publisher: "pub_2" }, false],
  ["version:submit", {}, false],
  ["release:stop", { app: "bank.a", clientApp: "retail" }, true],
  ["release:stop", { app: "bank.a" }, false],
  ["release:stop", { app: "bank.b", clientApp: "retail" }, false],
  ["release:kill", { app: "bank.a" }, false],
])("%s for %j is %s", (permission, thing, answer) => {
  expect(mayFor(rights, permission, thing)).toBe(answer);
});

test("people of a publisher see in the menu what the server shows a part of, and nothing that it refuses them", () => {
  const everything = MENU.flatMap((group) => group.places).flatMap((place) => place.needs);
  const own: Rights = { permissions: [], limited: [{ ...nothing, permissions: everything, publisher: "pub_1" }] };
  const shown = MENU.flatMap((group) => group.places).filter((place) => opens(own, place.needs));
  expect(shown.map(({ path }) => path)).toEqual([
    "/",
    "/changes",
    "/reviews",
    "/apps",
    "/insight",
    "/publishers",
    "/tokens",
    "/policy",
  ]);
  const whole: Rights = { permissions: everything, limited: [] };
  expect(MENU.flatMap((group) => group.places).every((place) => opens(whole, place.needs))).toBe(true);
});

test("no two places of the menu share a path or a key", () => {
  const places = MENU.flatMap((group) => group.places);
  const keys = places.flatMap((place) => (place.key ? [place.key] : []));
  expect(new Set(keys).size).toBe(keys.length);
  expect(new Set(places.map((place) => place.path)).size).toBe(places.length);
});
