/** In developer mode the shell shows what an app writes to its console; the console itself keeps working. */

import type { Note } from "../bridge/protocol";

const LEVELS = ["debug", "log", "info", "warn", "error"] as const;
const MAX_TEXT = 1_000;

export function relayConsole(console: Console, tell: (note: Note) => void): void {
  for (const level of LEVELS) {
    const original = console[level].bind(console);
    console[level] = (...values: unknown[]) => {
      original(...values);
      tell({ note: "console", level, text: values.map(show).join(" ").slice(0, MAX_TEXT) });
    };
  }
}

function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
