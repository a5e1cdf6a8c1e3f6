import { expect, test } from "vitest";
import { BridgeError } from "../src/bridge/errors";
import { SessionServer } from "../src/container/bank_server";
import { type Answer, ServerSaysNo } from "../src/session/calls";
import type { Json } from "../src/trust/canonical";

/** A session that keeps what it is asked and answers `body`. */
function world(body: Json, thrown?: Error) {
  const asked: [string, string, Json | undefined][] = [];
  const call = async (method: string, path: string, sent?: Json): Promise<Answer> => {
    asked.push([method, path, sent]);
    if (thrown !== undefined) throw thrown;
    return { status: 200, headers: new Headers(), body };
  };
  return { asked, server: new SessionServer({ call, status: async () => null }) };
}

test("sign-in and profile name the version that asks, so that the server can look at its permissions", async () => {
  const { asked, server } = world({ code: "c", expires_in: 120 });
  expect(await server.login("bank.demo.bills", 7, ["tier"])).toEqual({ code: "c", expires_in: 120 });
  await server.profile("bank.demo.bills", 7);
  expect(asked).toEqual([
    ["POST", "/client/v1/apps/bank.demo.bills/login", { sequence: 7, scopes: ["tier"] }],
    ["GET", "/client/v1/apps/bank.demo.bills/profile?sequence=7", undefined],
  ]);
});

test("the profile is what the server tells an app, and nothing beside it", async () => {
  const { server } = world({ name_masked: "L*", phone_masked: "138****0000" });
  expect(await server.profile("bank.demo.bills", 1)).toEqual({ name_masked: "L*", phone_masked: "138****0000" });
});

test.each([
  [403, "customer_needed", "not_signed_in"],
  [403, "consent_refused", "consent_refused"],
  [403, "permission_denied", "permission_denied"],
])("a refusal %i %s is %s to an app", async (status, code, told) => {
  const { server } = world(null, new ServerSaysNo(status, code, "no", {}, null));
  const refusal = server.profile("bank.demo.bills", 1);
  await expect(refusal).rejects.toBeInstanceOf(BridgeError);
  await expect(refusal).rejects.toMatchObject({ code: told });
});
