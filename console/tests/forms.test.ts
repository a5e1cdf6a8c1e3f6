/**
 * Each form of the console, opened in the whole console before a server that refuses: every field that the server may
 * name shows its sentence, everything else stands above with its trace id, and what was entered is kept.
 */

import { afterEach, describe, expect, test, vi } from "vitest";
import { type Answers, Console, sentenceAt, TRACE, WAIT } from "./console";
import { bodyFields } from "./schema";
import { USES, type Use } from "./uses";

type Visit = { path: string; answers?: Answers; tab?: string; isSignedOut?: boolean };

const VERSION = "/apps/app/versions/1";
const ALL_MOVES = ["stop", "roll_back", "pause", "complete", "resume", "submit", "move_on", "narrow"];
const DAY = { setup_allowed_until_ms: Date.now() + 86_400_000 };

/** Every page with a form, in each state that has another one. */
const VISITS: readonly Visit[] = [
  { path: "/", isSignedOut: true },
  { path: "/setup" },
  { path: "/setup#link=abc" },
  { path: "/account" },
  { path: "/apps" },
  { path: "/apps/app" },
  { path: "/apps/app", answers: { "/apps/app/renewals": { items: [{ state: "in_review" }] } } },
  { path: VERSION, answers: { [VERSION]: { state: "in_review" } } },
  { path: VERSION, answers: { [VERSION]: { state: "uploaded", moves: ["withdrawn", "killed"] } } },
  { path: `${VERSION}/hotfixes/1`, answers: { [`${VERSION}/hotfixes/1`]: { state: "in_review" } } },
  { path: "/catalogue" },
  { path: "/catalogue", tab: "Categories" },
  { path: "/changes/change", answers: { "/changes/change": PROPOSED("person") } },
  {
    path: "/changes/change",
    answers: {
      "/changes/change": PROPOSED("another"),
      "/changes/kinds": { items: [{ name: "kind", approve: "change:read" }] },
    },
  },
  { path: "/client-apps" },
  {
    path: "/client-apps/retail/upgrades",
    answers: { "/client-apps/retail/upgrades": { items: [{ withdrawn: "" }] } },
  },
  { path: "/client-apps", answers: { "/client-apps": { items: [{ closed: true }] } } },
  { path: "/codepush" },
  { path: "/codepush/app" },
  {
    path: "/codepush/app/Staging",
    answers: {
      "/codepush/apps/app/deployments": { items: [{ name: "Staging" }, { name: "Production" }] },
      "/codepush/apps/app/deployments/Staging/releases": {
        items: [
          { label: "v2", state: "approved", is_mandatory: true, rollout: 100 },
          { label: "v1", state: "approved", rollout: 100, package_hash: "another" },
        ],
      },
    },
  },
  { path: "/customers" },
  { path: "/customers/customer", answers: { "/customers/id/devices": { items: [{ signed_in: true }] } } },
  { path: "/devices/device", answers: { "/devices/device": { customer: "customer" } } },
  { path: "/hosts" },
  { path: "/notices" },
  {
    path: "/operators",
    answers: { "/operators": { items: [{ state: "active", ...DAY, grants: [{ role: "role" }] }] } },
  },
  { path: "/operators", answers: { "/operators": { items: [{ state: "disabled" }] } } },
  { path: "/roles" },
  { path: "/tokens" },
  { path: "/policy" },
  { path: "/publishers" },
  { path: "/releases/new?app=app&sequence=1&step=review" },
  {
    path: "/releases/release",
    answers: { "/releases/release": { moves: ALL_MOVES, rollback_to: 1, stage: 1, stages: [{}, {}, {}] } },
  },
  { path: "/releases/freezes" },
  { path: "/reports" },
  { path: "/tags" },
  { path: "/tags/tag" },
  { path: "/audiences/new" },
  { path: "/audiences/audience" },
  {
    path: "/audiences/audience/edit",
    answers: { "/audiences/audience": { audience: { attr: "tier", op: "in", values: ["full"] } } },
  },
  { path: "/switches", answers: { "/switches": { items: [SWITCH("draft")["/switches/key"]] } } },
  { path: "/switches/new", answers: SWITCH("draft") },
  { path: "/switches/key/edit", answers: SWITCH("active") },
  { path: "/switches/key", answers: { ...SWITCH("draft"), "/changes": { items: [] } } },
  { path: "/switches/key", answers: SWITCH("active") },
  { path: "/system", tab: "Background jobs", answers: { "/system/jobs": { items: [{ state: "failed" }] } } },
  {
    path: "/trust",
    answers: {
      "/trust/trees": { items: [{ is_started: true, roles: [{ signer: "officers" }] }] },
      "/trust/pending": { items: [{ requests: [{ state: "waiting" }], progress: { have_signed: [] } }] },
    },
  },
  { path: "/trust", tab: "Public keys", answers: KEYS("active") },
  { path: "/trust", tab: "Public keys", answers: KEYS("suspended") },
];

function PROPOSED(person: string) {
  return { state: "proposed", maker: { person } };
}
function SWITCH(state: string) {
  const variants = { on: true, off: false };
  const rules = [{ audience: { all: [{ attr: "tier", op: "in", values: ["full"] }] }, variant: "on" }];
  const definition = { key: "key", type: "boolean", title: "", variants, default: "off", by: "device", rules };
  return { "/switches/key": { key: "key", state, edition: 1, definition } };
}
function KEYS(state: string) {
  return { "/trust/keys": { items: [{ state, purpose: "officer" }] } };
}

/** What the server may refuse though nobody enters it, as the page knows it: that stands above, with its trace id. */
const UNENTERED = new Set([
  "pages/audiences/EditAudience.tsx: audiences.create or audiences.propose: body.edition", // the one that was read
  "pages/changes/ChangePage.tsx: changes.editTitle: body.digest",
  "pages/client-apps/ClientApps.tsx: people.editClientApp: body.closed",
  "pages/client-apps/Upgrades.tsx: upgrades.edit: body.changed_ms", // as it was read
  "pages/customers/Customers.tsx: customers.create: body.personal.extra",
  "pages/customers/Customers.tsx: customers.create: body.personal.lang",
  "pages/notices/Notices.tsx: common.save: body.muted",
  "pages/notices/Notices.tsx: common.save: body.muted.0",
  "pages/operators/OperatorActions.tsx: people.grant: body.grants.0.client_app",
  "pages/operators/Operators.tsx: people.create: body.existing",
  "pages/operators/Operators.tsx: people.create: body.grants.0.client_app",
  "pages/operators/Roles.tsx: people.editRole or people.newRole: body.before",
  "pages/operators/Roles.tsx: people.editRole or people.newRole: body.before.0",
  "pages/publishers/Publishers.tsx: people.newPublisher: body.keys",
  "pages/session/SetUp.tsx: session.setupTitle: body.link",
  "pages/session/SignIn.tsx: session.submit: body.kind",
  "pages/switches/EditSwitch.tsx: switches.createSubmit or switches.save: body.edition",
]);

/** Another workspace is gone to without asking the server; a reason goes along when the page asks again. */
const UNSENT = new Set([
  "pages/session/SignIn.tsx: session.setupOpen",
  "pages/explain/Subject.tsx: explain.revealTitle",
  "pages/releases/Waiting.tsx: changes.withdrawTitle", // the form of the change request's own page
]);

const tried = new Set<Use>();
const above = new Set<string>();
let shown: Console;

afterEach(() => shown.close());

describe("a refusal stands at its field", () => {
  test.each(VISITS.map((visit) => [`${visit.path} ${visit.tab ?? ""}`.trim(), visit] as const))(
    "%s",
    async (_, visit) => {
      shown = new Console(visit.answers, !visit.isSignedOut);
      await shown.open(visit.path);
      if (visit.tab) await press(all('[role="tab"]').find((tab) => tab.textContent === visit.tab));
      for (const header of all(".ant-collapse-header")) await press(header);
      for (const form of all("main form")) await refuseAll(form, visit, wordsOf(submitOf(form)));
      await openAll(() => all('main button[aria-haspopup="dialog"]'), visit);
    },
    60_000,
  );
});

test("a fresh code is asked where an act needs one, and a wrong one is told at its field", async () => {
  shown = new Console();
  await shown.open("/hosts");
  await press(document.querySelector<HTMLElement>('main button[aria-haspopup="dialog"]'));
  const act = await found(() => document.querySelector<HTMLElement>("[role=dialog] form"), "no form");
  await fill(act);
  shown.refusal = { status: 403, code: "second_factor_needed" };
  await press(submitOf(act));
  const form = await found(() => all("[role=dialog] form").find((one) => one !== act), "no code is asked for");
  tried.add(formOf(wordsOf(submitOf(form)), { path: "/hosts" }));
  await fill(form);
  shown.refusal = { status: 403, code: "wrong_code" };
  await press(submitOf(form));
  await found(() => controlOf(form, "Refused: wrong_code."), "the wrong code is not told");
  shown.refusal = null;
  await press(submitOf(form));
  await vi.waitFor(() => expect(shown.sent.at(-1)).toMatchObject({ method: "POST", path: "/hosts" }), WAIT);
}, 60_000);

test("whatever people enter has a field", () => {
  expect([...above].sort()).toEqual([...UNENTERED].sort());
});

test("no form was left out", () => {
  expect(USES.filter((use) => !tried.has(use) && !UNSENT.has(use.name)).map((use) => use.name)).toEqual([]);
});

/** Opens one after another; what opens in a drawer is opened too. */
async function openAll(openers: () => HTMLElement[], visit: Visit): Promise<void> {
  const count = openers().filter((button) => !button.hasAttribute("disabled")).length;
  for (let n = 0; n < count; n += 1) {
    const before = dialogs();
    await press(openers().filter((button) => !button.hasAttribute("disabled"))[n]);
    const dialog = await vi.waitFor(() => {
      const found = dialogs().find((one) => !before.includes(one));
      if (!found) throw new Error(`no dialog after ${openers()[n]?.textContent}`);
      return found;
    }, WAIT);
    const form = dialog.querySelector("form");
    if (form) {
      await refuseAll(form, visit, wordsOf(dialog.querySelector(".ant-modal-title")));
      await press(
        [...form.querySelectorAll("button")].find((button) => button.type === "button" && wordsOf(button) === "Cancel"),
      );
    } else if (dialog.closest(".ant-drawer")) {
      await openAll(() => [...dialog.querySelectorAll<HTMLElement>('button[aria-haspopup="dialog"]')], visit);
      await press(dialog.querySelector<HTMLElement>(".ant-drawer-close"));
    } else {
      await press(dialog.querySelector<HTMLElement>(".ant-modal-close"));
    }
    await vi.waitFor(() => expect(dialogs().length).toBe(before.length), WAIT);
  }
}

async function refuseAll(form: HTMLElement, visit: Visit, title: string): Promise<void> {
  const use = formOf(title, visit);
  tried.add(use);
  await fill(form);
  const entered = valuesOf(form);
  shown.refusal = { status: 409, code: "refused_as_a_whole" };
  const { method, path } = await submit(form, use);
  const alert = await found(() => form.querySelector('[role="alert"]'), `${use.name} says nothing above`);
  expect(alert.textContent).toContain("Refused: refused_as_a_whole.");
  expect(alert.textContent).toContain(TRACE);

  const fields = bodyFields(method, path);
  if (fields.length > 0) {
    shown.refusal = { status: 422, code: "invalid_body", fields };
    await submit(form, use);
    for (const field of fields) {
      const place = await found(() => placeOf(form, field), `${use.name} does not say what is wrong with ${field}`);
      if (use.isForm && place !== "at the field") above.add(`${use.name}: ${field}`);
    }
    const first = form.querySelector(".ant-form-item-has-error");
    if (first)
      expect(first.contains(document.activeElement), `${use.name}: the focus is not at the first refused field`).toBe(
        true,
      );
  }
  for (const code of use.codes) {
    shown.refusal = { status: 409, code };
    await submit(form, use);
    await found(() => controlOf(form, `Refused: ${code}.`), `${use.name}: ${code} stands at no field`);
  }
  expect(valuesOf(form), `${use.name} keeps what was entered`).toEqual(entered);
  shown.refusal = null;
}

/** The use of a form by its title: of several that fit one in the folder of the page, and the one that says the most. */
function formOf(title: string, { path }: Visit): Use {
  const fits = USES.filter((use) => use.title.test(title)).toSorted(
    (one, other) => other.title.source.length - one.title.source.length,
  );
  const use = fits.find((one) => one.file.startsWith(`pages/${path.split("/")[1]}/`)) ?? fits[0];
  if (!use) throw new Error(`no form of the code is called ${title}`);
  return use;
}

/** Where a form says what is wrong with a field: there, or above with the trace id. */
function placeOf(form: Element, field: string): string | null {
  if (controlOf(form, sentenceAt(field))) return "at the field";
  const note = form.querySelector(".note.bad");
  const isAbove = note?.parentElement?.textContent?.includes(`${field} ${sentenceAt(field)}`);
  return isAbove && note?.textContent?.includes(TRACE) ? "above" : null;
}

/** The control that a screen reader tells the sentence with. */
function controlOf(form: Element, sentence: string): Element | undefined {
  const told = holder(form, sentence);
  const id = told?.closest("[id]")?.id ?? "";
  return [...form.querySelectorAll('[aria-invalid="true"]')].find((one) =>
    (one.getAttribute("aria-describedby") ?? "").split(" ").includes(id),
  );
}

function holder(form: Element, sentence: string): Element | undefined {
  return [...form.querySelectorAll(".ant-form-item-explain *")].find(
    (one) => one.children.length === 0 && one.textContent === sentence,
  );
}

async function submit(form: HTMLElement, use: Use) {
  const before = shown.sent.length;
  await press(submitOf(form));
  return vi.waitFor(() => {
    const sent = shown.sent[before];
    if (sent) return sent;
    throw new Error(
      `${use.name} sent nothing: ${all(".ant-form-item-has-error")
        .map((one) => one.textContent)
        .join("; ")}`,
    );
  }, WAIT);
}

const submitOf = (form: Element) => form.querySelector<HTMLButtonElement>("button[type=submit]");
const wordsOf = (node: Element | null) => node?.textContent?.trim() ?? "";
const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
const dialogs = () => all('[role="dialog"]');
const settled = () => shown.settled();

async function press(node: HTMLElement | null | undefined): Promise<void> {
  if (!node) throw new Error("nothing to press");
  node.click();
  await settled();
}

async function found<T>(look: () => T | null | undefined, otherwise: string): Promise<T> {
  return vi.waitFor(() => {
    const value = look();
    if (value) return value;
    throw new Error(otherwise);
  }, WAIT);
}

/** Enters something wherever a form asks for something. */
async function fill(form: HTMLElement): Promise<void> {
  for (const item of form.querySelectorAll(".ant-form-item")) {
    const field = item.querySelector<HTMLInputElement | HTMLTextAreaElement>("input, textarea");
    if (!field || field.disabled) continue;
    if (field.getAttribute("role") === "combobox") await choose(item, field);
    else if (field.type === "checkbox" && !item.querySelector("input:checked") && field.closest("[role=group]"))
      await press(field);
    else if (field.type === "datetime-local" && field.value === "") enter(field, "2027-01-01T08:00");
    else if (["text", "password", "email", "tel", "url", "textarea"].includes(field.type) && field.value === "")
      enter(
        field,
        field.getAttribute("autocomplete") === "one-time-code"
          ? "123456"
          : field.matches("textarea.mono")
            ? "ios=1.0.0"
            : field.getAttribute("role") === "spinbutton"
              ? "7"
              : "Abc",
      );
  }
  await settled();
}

function enter(field: HTMLInputElement | HTMLTextAreaElement, text: string): void {
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value")?.set?.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

async function choose(item: Element, field: HTMLElement): Promise<void> {
  if (item.querySelector(".ant-select-selection-item, .ant-select-content-has-value")) return;
  for (const key of ["Enter", "ArrowDown", "Enter"]) {
    const keyCode = key === "Enter" ? 13 : 40;
    for (const type of ["keydown", "keyup"]) {
      field.dispatchEvent(
        new KeyboardEvent(type, { key, keyCode, which: keyCode, bubbles: true } as KeyboardEventInit),
      );
      await settled();
    }
  }
}

function valuesOf(form: Element): string[] {
  return [...form.querySelectorAll<HTMLInputElement>("input, textarea")].map((field) =>
    field.type === "checkbox" || field.type === "radio" ? String(field.checked) : field.value,
  );
}
