/**
 * Returns the members of `now` that differ from those of `began`: what a person changed. The rest is not sent, so that
 * a colleague's change meanwhile stays.
 */
export function changedOf<Values extends object>(now: Values, began: Partial<Values>): Partial<Values> {
  const differs = ([name, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(began[name as keyof Values]);
  return Object.fromEntries(Object.entries(now).filter(differs)) as Partial<Values>;
}
