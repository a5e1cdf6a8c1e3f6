"""The files of a new mini-app: the least that the format asks for, in plain HTML, CSS and JavaScript.

Nothing needs a build, a network or a framework, and nothing that a strict Content-Security-Policy blocks.
"""

import html
import json
from pathlib import Path

from sampan.offline_packages.manifest_vendor import is_app_id
from sampan.platform.errors import Conflict, Invalid

PAGE = """<!doctype html>
<html lang="zh">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{name}</title>
  <link rel="stylesheet" href="../../app.css">
</head>
<body>
  <main>
    <img src="../../icon.svg" alt="" width="72" height="72">
    <h1 data-text="title"></h1>
    <p data-text="hello"></p>
    <button type="button" id="language"></button>
  </main>
  <script src="../../app.js"></script>
</body>
</html>
"""
SCRIPT = """// Texts lie in i18n/<language>.json; the page names them by data-text.
"use strict";

const languages = ["zh", "en"];
let language = navigator.language.startsWith("zh") ? "zh" : "en";

async function show() {
  const texts = await (await fetch(`../../i18n/${language}.json`)).json();
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = texts[element.dataset.text] ?? element.dataset.text;
  }
  document.getElementById("language").textContent = texts.switch;
}

document.getElementById("language").addEventListener("click", () => {
  language = languages[(languages.indexOf(language) + 1) % languages.length];
  show();
});
show();
"""
STYLE = """:root { color-scheme: light dark; font-family: system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText; }
main { text-align: center; padding: 2rem; }
button { font: inherit; padding: .6rem 1.4rem; border: 0; border-radius: 2rem; background: #2563eb; color: #fff; }
"""
ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">
  <rect width="96" height="96" rx="22" fill="#2563eb"/>
  <path d="M22 58h52l-9 14H31zM46 20v32H26zM50 28l20 24H50z" fill="#fff"/>
</svg>
"""


class FolderNotEmpty(Conflict):
    """The folder for the new app holds something already."""

    code = "folder_not_empty"


class AppIdWrong(Invalid):
    """The id is no reverse-DNS name."""

    code = "bad_app_id"


def make_app(folder: Path, app_id: str, name: str) -> list[str]:
    """Write a new mini-app and return its files; raise `AppIdWrong` or `FolderNotEmpty`."""
    if not is_app_id(app_id):
        raise AppIdWrong("An app id is reverse DNS in lower case, such as bank.demo.coupons.", field="id")
    if folder.exists() and any(folder.iterdir()):
        raise FolderNotEmpty(f"{folder} is not empty. Choose a new folder.")
    files = files_of(app_id, name)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return sorted(files)


def files_of(app_id: str, name: str) -> dict[str, str]:
    """Return the text of every file by its path."""
    manifest = {
        "app_id": app_id,
        "name": name,
        "icons": [{"src": "icon.svg"}],
        "pages": ["pages/index/index"],
        "version": {"code": 1, "name": "1.0.0"},
        "platform_version": {"min_code": 1},
    }
    texts = {
        "zh": {"title": name, "hello": "你的第一个小程序已经运行。", "switch": "English"},
        "en": {"title": name, "hello": "Your first mini-app is running.", "switch": "中文"},
    }
    return {
        "manifest.json": _json(manifest),
        "app.js": SCRIPT,
        "app.css": STYLE,
        "icon.svg": ICON,
        "pages/index/index.html": PAGE.format(name=html.escape(name)),
        **{f"i18n/{language}.json": _json(words) for language, words in texts.items()},
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
