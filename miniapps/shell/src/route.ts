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

/** Go there without a way back to the page that is left. */
export function goInstead(path: string): void {
  location.replace(`#/${path}`);
}

export function go(path: string): void {
  location.hash = `/${path}`;
}
