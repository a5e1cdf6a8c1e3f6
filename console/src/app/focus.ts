/** Where the focus goes: to the first field of what opens, to a refused field, and never nowhere. */

import { type RefObject, useEffect } from "react";

const FIELDS = "input:not([type=hidden]), textarea, select";
const HARMLESS = "[data-harmless]";
const OTHERS = "button, a[href], [tabindex='0']";

/** Focuses the first field in a part of the page; without one, what does no harm, or else what first takes the focus. */
export function focusFirst(part: Element): boolean {
  return [FIELDS, HARMLESS, OTHERS].some((kind) => [...part.querySelectorAll<HTMLElement>(kind)].some(take));
}

/** Returns whether an element took the focus, which it does not when it is disabled or cannot be seen. */
function take(node: HTMLElement): boolean {
  node.focus();
  return document.activeElement === node;
}

/** Keeps Tab within the dialog that has the focus: after its last element comes its first, and the other way round. */
export function keepInDialog(event: KeyboardEvent): void {
  const dialog = event.key === "Tab" ? document.activeElement?.closest("[role=dialog]") : null;
  if (!dialog) return;
  const stops = [...dialog.querySelectorAll<HTMLElement>(`${FIELDS}, ${OTHERS}`)].filter(
    (node) => node.tabIndex >= 0 && !node.matches(":disabled") && node.checkVisibility({ visibilityProperty: true }),
  );
  const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
  if (!to || (document.activeElement !== from && document.activeElement !== dialog)) return;
  event.preventDefault();
  to.focus();
}

/**
 * Keeps the focus on the page. When the element that has it goes or is disabled, as happens to a button after its act,
 * the focus goes to the row beside it, to the button beside it, or to the page's content.
 */
export function useKeptFocus(content: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    let last: Element | null = null;
    let beside: Element[] = [];
    const note = (event: FocusEvent) => {
      last = event.target as Element;
      if (last.closest("[role=dialog]")) return;
      const row = last.closest("tr");
      beside = [row?.nextElementSibling, row?.previousElementSibling, last.parentElement].filter(
        (node) => node != null,
      );
    };
    const look = () => {
      // A button that was just disabled is still the active element, though no key reaches it.
      const at = document.activeElement;
      if (last === null || (at !== document.body && at !== last)) return;
      if (last.isConnected && !last.matches(":disabled")) return;
      last = null;
      const found = beside.some((node) => node.isConnected && content.current?.contains(node) && focusFirst(node));
      if (!found) content.current?.focus({ preventScroll: true });
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled"] });
    document.addEventListener("focusin", note);
    return () => {
      observer.disconnect();
      document.removeEventListener("focusin", note);
    };
  }, [content]);
}
