/** Reading of answers that may hold anything. */

export type Row = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The objects of a list member; empty when there is none. */
export function list(body: unknown, name: string): readonly Row[] {
  const found = isObject(body) ? body[name] : null;
  return Array.isArray(found) ? found.filter(isObject) : [];
}

export const text = (value: unknown): string => (typeof value === "string" ? value : "");
