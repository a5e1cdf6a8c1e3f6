/** The few documents that the worker itself makes. Texts are bilingual: it does not know the customer's language. */

import { escapeAttribute, type RuntimeFacts, runtimeTag } from "./inject";

const STYLE =
  "body{font:16px/1.6 system-ui,sans-serif;margin:20vh 24px;text-align:center;color:#444;background:#fff}" +
  "@media(prefers-color-scheme:dark){body{color:#ccc;background:#1b1b1d}}a{color:inherit}code{font-size:.85em}";

/** The boot page with its script inside; the one that the server sends names `/__boot.js` instead. */
export function bootPage(script: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>sampan</title><script>${script}</script></head><body></body></html>`;
}

/** The page that keeps the process of an app that was closed: there is nothing in it. */
export function idlePage(): string {
  return '<!doctype html><html lang="en"><title>sampan</title></html>';
}

/** The page for an address that the package does not have. The runtime runs, so a single-page app's shell sees it. */
export function notFoundPage(path: string, home: string, facts: RuntimeFacts): string {
  return page(
    "404",
    `<p>没有这个页面<br>There is no such page</p><p><code>${escapeAttribute(path.slice(0, 200))}</code></p>` +
      `<p><a href="/${escapeAttribute(home)}">⌂</a></p>`,
    facts,
  );
}

/** The page in place of a file that is not what was signed; the shell closes it and heals the app. */
export function refusedPage(facts: RuntimeFacts): string {
  const code = escapeAttribute(facts.refused ?? "refused");
  return page(
    code,
    `<p>内容校验未通过，正在修复<br>This file is not what was signed; it is being repaired</p><p><code>${code}</code></p>`,
    facts,
  );
}

function page(title: string, body: string, facts: RuntimeFacts): string {
  return (
    `<!doctype html><html><head>${runtimeTag(facts)}<meta charset="utf-8"><title>${escapeAttribute(title)}</title>` +
    `<meta name="viewport" content="width=device-width,initial-scale=1"><style>${STYLE}</style></head>` +
    `<body data-sampan-notice>${body}</body></html>`
  );
}
