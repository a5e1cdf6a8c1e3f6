/** Put the runtime in front of every script of a document. Works on bytes' text; parses no more than it must. */

/** What the runtime's tag says; the runtime tells it to the shell, which compares it with what it asked for. */
export interface RuntimeFacts {
  readonly shell: string;
  readonly sequence: number;
  readonly digest: string;
  /** Set on the page that stands in for what was refused. */
  readonly refused?: string;
  readonly path?: string;
}

/**
 * Return the document with the runtime's tag where the parser opens the head: after the doctype and comments, before
 * any tag. The parser then makes html and head around it and takes the attributes of a later `<html>` tag over, so no
 * tag of the app needs to be understood and none comes first.
 */
export function injectRuntime(document: Uint8Array<ArrayBuffer>, facts: RuntimeFacts): Blob {
  const at = headStart(LATIN1.decode(document.subarray(0, 65_536)));
  return new Blob([document.subarray(0, at), runtimeTag(facts), document.subarray(at)]);
}

/** Return the runtime's script tag. */
export function runtimeTag(facts: RuntimeFacts): string {
  const pairs = Object.entries(facts).map(([name, value]) => ` data-${name}="${escapeAttribute(String(value))}"`);
  return `<script src="/__runtime.js"${pairs.join("")}></script>`;
}

/** Escape a text for an element's content or a quoted attribute. */
export function escapeAttribute(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** One byte is one character, so a place in the text is a place in the bytes. */
const LATIN1 = new TextDecoder("latin1");

/** Byte order mark, blanks, comments (which also end at `<!-->`, `<!--->` and `--!>`), processing instructions, doctype. */
const BEFORE = /(?:ï»¿|\s+|<!--(?:-?>|[\s\S]*?--!?>)|<\?[^>]*>|<!doctype\b[^>]*>)/iy;

function headStart(text: string): number {
  BEFORE.lastIndex = 0;
  let at = 0;
  while (BEFORE.test(text)) at = BEFORE.lastIndex;
  return at;
}
