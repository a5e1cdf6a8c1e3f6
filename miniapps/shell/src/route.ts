import { useSyncExternalStore } from "react";

/** Where the shell is: the path behind `#`, so that every page has an address and the back key works. */
export function useRoute(): readonly string[] {
  const hash = useSyncExternalStore(
    (listener) => {
      addEventListener("hashchange", listener);
      return () => removeEventListener("hashchange", listener);
    },
    () => location.hash,
  );
  const parts = hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
  return parts.length > 0 ? parts : ["home"];
}

export function go(path: string): void {
  location.hash = `/${path}`;
}
