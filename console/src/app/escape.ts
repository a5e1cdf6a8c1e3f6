/**
 * Escape closes what was opened last. The library's own stack keeps what React began to mount and threw away, and from
 * then on closes nothing below it; here only what is really shown counts.
 */

import { useEffect, useRef } from "react";

/** What the library shows above a dialog, and closes with Escape itself. */
const POPUPS = ["select-dropdown", "picker-dropdown", "dropdown", "popover", "cascader-dropdown"]
  .map((name) => `.ant-${name}:not(.ant-${name}-hidden)`)
  .join(", ");

const shown: symbol[] = [];

/** Call `onClose` on Escape, while this is open and nothing is open above it. */
export function useEscape(isOpen: boolean, onClose: (() => void) | undefined): void {
  const latest = useRef(onClose);
  latest.current = onClose;
  useEffect(() => {
    if (!isOpen) return;
    const own = Symbol("shown");
    shown.push(own);
    const listen = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.isComposing || shown.at(-1) !== own) return;
      if (latest.current === undefined || isPopupOpen()) return;
      event.stopImmediatePropagation(); // what is below hears nothing of it
      latest.current();
    };
    window.addEventListener("keydown", listen, true);
    return () => {
      window.removeEventListener("keydown", listen, true);
      shown.splice(shown.indexOf(own), 1);
    };
  }, [isOpen]);
}

const isPopupOpen = (): boolean =>
  [...document.querySelectorAll<HTMLElement>(POPUPS)].some((each) => each.getClientRects().length > 0);
