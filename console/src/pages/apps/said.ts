/** What an app said while it was previewed, each thing once with how often. Pure. */

import type { Note } from "@sampan/sdk/preview";

export type Said = {
  key: string;
  kind: "answered" | "refused" | "blocked" | "error" | "resource" | "white";
  /** The method, or what was blocked or went wrong. */
  what: string;
  code: string;
  times: number;
};

/** An app can say new things without end; a person reads no more than these. */
export const MOST = 200;

export function withCall(list: readonly Said[], method: string, code: string | null): readonly Said[] {
  return counted(list, { kind: code === null ? "answered" : "refused", what: method, code: code ?? "" });
}

export function withNote(list: readonly Said[], note: Note): readonly Said[] {
  switch (note.note) {
    case "csp_refused":
      return counted(list, { kind: "blocked", what: `${note.directive} ${note.blocked}`, code: "" });
    case "script_error":
      return counted(list, { kind: "error", what: `${note.message} ${note.source}:${note.line}`, code: "" });
    case "resource_failed":
      return counted(list, { kind: "resource", what: note.path, code: "" });
    case "white_screen":
      return counted(list, { kind: "white", what: "", code: "" });
    default:
      return list;
  }
}

function counted(list: readonly Said[], told: Omit<Said, "key" | "times">): readonly Said[] {
  const key = `${told.kind} ${told.code} ${told.what}`;
  if (list.some((each) => each.key === key)) {
    return list.map((each) => (each.key === key ? { ...each, times: each.times + 1 } : each));
  }
  return list.length >= MOST ? list : [...list, { ...told, key, times: 1 }];
}
