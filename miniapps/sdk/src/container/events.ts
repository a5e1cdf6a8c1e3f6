/** A small typed emitter; a listener that throws harms nobody else. */

export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(data: never) => void>>();

  /** Listen; the returned function stops listening. */
  on<E extends keyof Events>(event: E, listener: (data: Events[E]) => void): () => void {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known.add(listener as (data: never) => void));
    return () => known.delete(listener as (data: never) => void);
  }

  protected emit<E extends keyof Events>(event: E, data: Events[E]): void {
    for (const listener of this.listeners.get(event) ?? []) {
      try {
        (listener as (data: Events[E]) => void)(data);
      } catch (thrown) {
        reportError(thrown);
      }
    }
  }
}
