import { expect, test } from "vitest";
import { asProblem, fieldPath, Problem, problemOf, UNREACHABLE, UNREADABLE } from "../src/api/problem";
import { placeErrors } from "../src/design/ProblemForm";

const answer = (body: unknown, status = 422) => new Response(JSON.stringify(body), { status });

test("a problem keeps its code, its sentence, its trace id and the fields", async () => {
  const problem = await problemOf(
    answer({
      code: "invalid_body",
      title: "Wrong",
      detail: "Correct the body.",
      trace_id: "abc",
      errors: [{ field: "body.grants.0.role", message: "Choose one.", code: "not_one_of" }, "nonsense"],
    }),
  );
  expect(problem).toMatchObject({ status: 422, code: "invalid_body", detail: "Correct the body.", traceId: "abc" });
  expect(problem.errors).toEqual([{ field: "body.grants.0.role", message: "Choose one.", code: "not_one_of" }]);
});

test("an answer that is no problem is told as unreadable", async () => {
  const problem = await problemOf(new Response("<html>", { status: 502 }));
  expect(problem).toMatchObject({ status: 502, code: UNREADABLE });
});

test("a lost connection is a problem too, and a problem stays itself", () => {
  expect(asProblem(new TypeError("Failed to fetch"))).toMatchObject({ status: 0, code: UNREACHABLE });
  const own = new Problem(409, "version_state", "No.");
  expect(asProblem(own)).toBe(own);
});

test("only 401 means signed out", () => {
  expect(new Problem(401, "session_ended", "").isSignedOut).toBe(true);
  expect(new Problem(403, "missing_permission", "").isSignedOut).toBe(false);
});

test.each([
  ["body.name", ["name"]],
  ["body.grants.0.role", ["grants", 0, "role"]],
  ["path.name", ["name"]],
  ["query.limit", null],
  ["body", null],
])("%s stands at %j", (field, path) => {
  expect(fieldPath(field)).toEqual(path);
});

const sentence = (code: string, message: string) => `${code}/${message}`;

test("errors go to their fields, and what has none stands above", () => {
  const invalid = new Problem(422, "invalid_body", "d", "", [
    { field: "body.name", message: "m", code: "missing" },
    { field: "query.app", message: "m", code: "wrong_form" },
  ]);
  expect(placeErrors(invalid, [["name"]], sentence)).toEqual({
    at: [{ name: ["name"], errors: ["missing/m"] }],
    above: [{ field: "query.app", sentence: "wrong_form/m" }],
  });
});

test("named refusals go to the field that the form says", () => {
  const taken = new Problem(409, "app_id_taken", "Taken.");
  expect(placeErrors(taken, [["app"]], sentence, { app_id_taken: ["app"] })).toEqual({
    at: [{ name: ["app"], errors: ["app_id_taken/Taken."] }],
    above: [],
  });
  expect(placeErrors(taken, [["app"]], sentence)).toEqual({ at: [], above: [] });
});

test("what is wrong within the value of a field stands at the field", () => {
  const invalid = new Problem(422, "invalid_body", "d", "", [
    { field: "body.after.0", message: "one", code: "c" },
    { field: "body.after.2", message: "two", code: "c" },
  ]);
  const rename = (path: (string | number)[]) => ["permissions", ...path.slice(1)];
  expect(placeErrors(invalid, [["name"], ["permissions"]], sentence, {}, rename).at).toEqual([
    { name: ["permissions"], errors: ["c/one", "c/two"] },
  ]);
});
