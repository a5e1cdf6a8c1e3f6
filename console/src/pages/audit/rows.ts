/** A row of the audit, as the console reads it. */

import type { components } from "../../api/schema";
import { useText } from "../../i18n";

export type AuditRow = components["schemas"]["AuditRowView"];

/** Who did it: an operator's id, or the name of the part of the server that acts by itself. */
export function whoOf(row: AuditRow): string {
  return row.actor.operator || row.actor.person || row.actor.via || row.actor.kind;
}

/** Returns a function from the name of an act to its words; of a component's own act, the name itself. */
export function useActions(): (action: string) => string {
  const { sayOr } = useText();
  return (action) => sayOr(`actions.${action.replaceAll(".", "_")}`, action);
}
