/** A row of the audit, as the console reads it. Pure. */

import type { components } from "../../api/schema";

export type AuditRow = components["schemas"]["AuditRowView"];

/** Who did it: an operator's id, or the name of the part of the server that acts by itself. */
export function whoOf(row: AuditRow): string {
  return row.actor.operator || row.actor.person || row.actor.via || row.actor.kind;
}
