import { type AppRole, type Control, Refused } from "@sampan/sdk";
import { expect, test } from "vitest";
import { standing } from "../src/host/trial_state";

const notListed = (): never => {
  throw new Refused("trust_not_listed", "Not there.");
};
const tree = (control: () => unknown, role: () => unknown) => ({
  refresh: async () => {},
  control: async () => control() as Control,
  app: async () => role() as AppRole,
});
const withdrawn = (sequence: number) => () => ({ killed: [{ sequence }] });
const published = (sequence: number) => () => ({ versions: new Map([[sequence, {}]]) });

test("a version is withdrawn, published or neither, as the customers' signed tree says", async () => {
  expect(await standing(tree(withdrawn(3), published(3)), "a.b", 3)).toBe("killed");
  expect(await standing(tree(withdrawn(2), published(3)), "a.b", 3)).toBe("published");
  expect(await standing(tree(notListed, published(3)), "a.b", 4)).toBe("unpublished");
  expect(await standing(tree(notListed, notListed), "a.b", 1)).toBe("unpublished");
});

test("a tree that does not verify says nothing of a version", async () => {
  const expired = (): never => {
    throw new Refused("trust_expired", "Out of date.");
  };
  await expect(standing(tree(expired, expired), "a.b", 1)).rejects.toThrow("Out of date.");
});
