/** Notes come from a page, so their members are checked and cut before anybody stores or shows them. */

import type { Note } from "./protocol";

const MEMBERS: Readonly<Record<Note["note"], Readonly<Record<string, "string" | "number">>>> = {
  boot: { milliseconds: "number" },
  white_screen: { milliseconds: "number" },
  script_error: { message: "string", source: "string", line: "number", column: "number", stack: "string" },
  resource_failed: { kind: "string", path: "string" },
  csp_refused: { directive: "string", blocked: "string" },
  file_refused: { code: "string", path: "string" },
  worker_removed: {},
  console: { level: "string", text: "string" },
};
const MAX_TEXT = 2_000;

/** Whether `message` is a note as documented; texts have at most 2,000 characters. */
export function isNote(message: object): message is Note {
  const kind = (message as { note?: unknown }).note;
  if (typeof kind !== "string" || !Object.hasOwn(MEMBERS, kind)) return false;
  return Object.entries(MEMBERS[kind as Note["note"]]).every(([name, type]) => {
    const value = (message as Record<string, unknown>)[name];
    if (typeof value === "string") return type === "string" && value.length <= MAX_TEXT;
    return type === "number" && Number.isSafeInteger(value);
  });
}
