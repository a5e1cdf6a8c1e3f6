/** From a note of the runtime to an event for the queue. Pure. Texts are cut to what the server stores. */

import type { Note } from "../bridge/protocol";
import type { Report } from "./ports";

const MAX_TEXT = 1_000;

/** Return the event's type and attributes, or null for a note that is not reported (or, as a boot, with more beside it). */
export function reportOf(note: Note): Pick<Report, "type" | "attrs"> | null {
  switch (note.note) {
    case "white_screen":
      return { type: "app.white_screen", attrs: { milliseconds: note.milliseconds } };
    case "script_error":
      return {
        type: "app.script_error",
        attrs: {
          message: cut(note.message),
          source: cut(note.source),
          line: note.line,
          column: note.column,
          stack: cut(note.stack),
        },
      };
    case "resource_failed":
      return { type: "app.resource_failed", attrs: { kind: cut(note.kind), path: cut(note.path) } };
    case "csp_refused":
      return { type: "app.csp_refused", attrs: { directive: cut(note.directive), blocked: cut(note.blocked) } };
    case "file_refused":
      return { type: "trust.refused", attrs: { code: cut(note.code), detail: cut(note.path) } };
    case "boot":
    case "worker_removed":
    case "console":
      return null;
  }
}

/** What a developer should see of a note at once, as text; null for a note that is no trouble. */
export function troubleOf(note: Note): string | null {
  switch (note.note) {
    case "script_error": {
      const place = note.source === "" ? "" : `\n  at ${note.source}:${note.line}:${note.column}`;
      if (note.stack.startsWith(note.message)) return note.stack;
      return `${note.message}${note.stack === "" ? place : `\n${note.stack}`}`;
    }
    case "resource_failed":
      return `${note.kind} could not be loaded: ${note.path}`;
    case "csp_refused":
      return `${note.directive} refused by the container's policy: ${note.blocked}`;
    case "white_screen":
      return "Nothing can be seen on the page.";
    default:
      return null;
  }
}

function cut(text: string): string {
  return text.slice(0, MAX_TEXT);
}
