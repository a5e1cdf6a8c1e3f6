/** A row of the audit, as far as the console reads it. Pure. */

export type AuditRow = {
  n: number;
  at_ms: number;
  actor: { kind: string; person: string; operator: string; via: string };
  action: string;
  target: string;
  detail: Record<string, unknown>;
  previous: string;
  hash: string;
};

/** Who did it: an operator's id, or the name of the part of the server that acts by itself. */
export function whoOf(row: AuditRow): string {
  return row.actor.operator || row.actor.person || row.actor.via || row.actor.kind;
}
