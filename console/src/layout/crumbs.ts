/** Where the reader is: set by the page, shown by the frame above it. */

import { useSyncExternalStore } from "react";
import type { Crumb } from "../design/PageFrame";

let present: readonly Crumb[] = [];
const listeners = new Set<() => void>();

export function setCrumbs(next: readonly Crumb[]): void {
  present = next;
  for (const tell of listeners) tell();
}

export function useCrumbs(): readonly Crumb[] {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => present,
  );
}
