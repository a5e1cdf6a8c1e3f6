/**
 * Keep ordinary libraries from removing the platform's worker by accident: many builds unregister every worker at
 * their start. An app that wants to can still get around this; then the shell heals the origin at the next opening.
 */

/** Make `unregister` do nothing, and call `told` when somebody tried. */
export function keepWorker(view: Window & typeof globalThis, told: () => void): void {
  const prototype = view.ServiceWorkerRegistration?.prototype;
  if (prototype === undefined) return;
  Object.defineProperty(prototype, "unregister", {
    configurable: false,
    writable: false,
    value: () => {
      told();
      return Promise.resolve(false);
    },
  });
}
