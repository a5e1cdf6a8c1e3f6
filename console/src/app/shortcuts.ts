/** Keys: `g` and a letter go somewhere, `/` searches, `m` the menu, `?` lists them. Never while somebody types. */

import { useEffect, useRef } from "react";
import { useNavigate } from "react-router";

const CHORD_MS = 1200;

/** Whether a key press belongs to a field, a dialog or the browser. */
export function isTyping(event: Pick<KeyboardEvent, "ctrlKey" | "metaKey" | "altKey" | "target">): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target as HTMLElement | null;
  return target?.closest?.("input, textarea, select, [contenteditable], [role=dialog], [role=combobox]") != null;
}

export function useShortcuts(go: ReadonlyMap<string, string>, show: () => void, menu: () => void): void {
  const navigate = useNavigate();
  const begun = useRef(0);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      const isSecond = Date.now() - begun.current < CHORD_MS;
      begun.current = 0;
      const path = isSecond ? go.get(event.key) : undefined;
      if (path) navigate(path);
      else if (event.key === "g") begun.current = Date.now();
      else if (event.key === "?") show();
      else if (event.key === "m") menu();
      else if (event.key === "/")
        document.querySelector<HTMLElement>("[data-search] input, input[data-search]")?.focus();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [go, show, menu, navigate]);
}
