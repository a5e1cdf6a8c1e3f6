/// <reference path="./.types/sampan.d.ts" />
// @ts-check
"use strict";
// Texts lie in i18n/<language>.json; the page names them by data-text. In a plain browser there is no bridge, and the
// page works with what the browser says. Packing leaves out what begins with a dot, such as the types.

/** @type {import("@sampan/sdk/client").Sampan | undefined} */
const bridge = window.sampan;

/** @param {string} id @param {string} text */
function put(id, text) {
  const element = document.getElementById(id);
  if (element) element.textContent = text;
}

/** @param {string} tag */
async function showLanguage(tag) {
  const language = tag.startsWith("zh") ? "zh" : "en";
  const texts = await (await fetch(`../../i18n/${language}.json`)).json();
  document.documentElement.lang = language;
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text]"))) {
    element.textContent = texts[element.dataset.text ?? ""] ?? "";
  }
  put("language", language);
}

/** @param {"light" | "dark"} scheme */
function showScheme(scheme) {
  document.documentElement.dataset.scheme = scheme;
  put("theme", scheme);
}

async function start() {
  if (bridge === undefined) {
    showScheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    put("tier", "-");
    await showLanguage(navigator.language);
    return;
  }
  bridge.on("theme", ({ scheme }) => showScheme(scheme));
  bridge.on("language", ({ language }) => showLanguage(language));
  showScheme((await bridge.theme()).scheme);
  await showLanguage(await bridge.language());
  put("tier", await bridge.user.tier()); // needs the permission user.tier in manifest.json
}

start();
