/** How a file of customers is announced to the server. Pure. */

const TYPES: Record<string, string> = {
  csv: "text/csv",
  ndjson: "application/x-ndjson",
  jsonl: "application/x-ndjson",
};

/** Returns the content type by the file's ending, null for what the server does not read. */
export function importType(name: string): string | null {
  const ending = name.toLowerCase().split(".").at(-1) ?? "";
  return name.includes(".") && Object.hasOwn(TYPES, ending) ? (TYPES[ending] ?? null) : null;
}
