/** What the runtime notices of an app's health: first content or a white page, errors, missing resources, refusals. */

import type { Note } from "../bridge/protocol";

export const WHITE_SCREEN_MS = 5_000;
const LOOK_EVERY_MS = 20;
const MAX_ERRORS = 20;
const MAX_TEXT = 500;

type Tell = (note: Note) => void;

/** Tell errors, failed resources and policy violations, at most some of each document. */
export function watchErrors(view: Window, tell: Tell): void {
  let left = MAX_ERRORS;
  const limited: Tell = (note) => {
    if (left-- > 0) tell(note);
  };
  view.addEventListener("error", (event) => limited(describeError(event)), true);
  view.addEventListener("unhandledrejection", (event) => limited(describe(event.reason, "", 0, 0)));
  view.addEventListener("securitypolicyviolation", (event) => {
    limited({ note: "csp_refused", directive: event.effectiveDirective, blocked: cut(placeOf(event.blockedURI)) });
  });
}

/** Tell `boot` when something can be seen, or `white_screen` when nothing was in time. A hidden page is not judged. */
export function watchFirstContent(view: Window, tell: Tell): void {
  let seenMs = 0;
  const look = () => {
    if (hasContent(view.document)) {
      tell({ note: "boot", milliseconds: Math.round(view.performance.now()) });
    } else if (seenMs >= WHITE_SCREEN_MS) {
      tell({ note: "white_screen", milliseconds: Math.round(view.performance.now()) });
    } else {
      if (view.document.visibilityState === "visible") seenMs += LOOK_EVERY_MS;
      view.setTimeout(look, LOOK_EVERY_MS);
    }
  };
  view.addEventListener("DOMContentLoaded", look, { once: true });
}

/** Whether a person would see anything: a text, a picture, a field, a drawing with an area. */
export function hasContent(document: Document): boolean {
  const { body } = document;
  if (body === null) return false;
  return hasVisibleMedia(body) || hasVisibleText(document, body);
}

function hasVisibleMedia(body: HTMLElement): boolean {
  const media = body.querySelectorAll<Element>("img,svg,canvas,video,input,select,textarea,button,iframe");
  return Array.from(media).some(isVisible);
}

function hasVisibleText(document: Document, body: HTMLElement): boolean {
  const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const parent = node.parentElement;
    if (
      node.nodeValue?.trim() &&
      parent &&
      !/^(SCRIPT|STYLE|NOSCRIPT|TEMPLATE)$/.test(parent.tagName) &&
      isVisible(parent)
    ) {
      return true;
    }
  }
  return false;
}

function isVisible(element: Element): boolean {
  const { width, height } = element.getBoundingClientRect();
  if (width === 0 || height === 0) return false;
  return element.checkVisibility?.({ opacityProperty: true, visibilityProperty: true }) ?? true;
}

function describeError(event: ErrorEvent): Note {
  const { target } = event;
  if (target instanceof Element) {
    const address = target.getAttribute("src") ?? target.getAttribute("href") ?? "";
    return { note: "resource_failed", kind: target.tagName.toLowerCase(), path: cut(placeOf(address)) };
  }
  return describe(event.error ?? event.message, event.filename, event.lineno, event.colno);
}

function describe(problem: unknown, file: string, line: number, column: number): Note {
  const isError = problem instanceof Error;
  const message = isError ? `${problem.name}: ${problem.message}` : String(problem);
  const stack = isError ? (problem.stack ?? "") : "";
  return {
    note: "script_error",
    message: cut(message),
    source: cut(placeOf(file)),
    line,
    column,
    stack: stack.slice(0, 4 * MAX_TEXT),
  };
}

/** An address without its query, which may hold what concerns a customer. */
function placeOf(address: string): string {
  return address.split(/[?#]/)[0] ?? "";
}

function cut(text: string): string {
  return text.slice(0, MAX_TEXT);
}
