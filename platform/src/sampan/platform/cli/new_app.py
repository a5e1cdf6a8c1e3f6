"""The files of a new mini-app, from the templates beside this module.

`vanilla` needs no build; `vue` and `react` are Vite projects whose `npm run build` gives a folder to pack. None of
them does anything that a strict Content-Security-Policy blocks.
"""

import html
import json
from pathlib import Path

from sampan.offline_packages.manifest_vendor import is_app_id
from sampan.platform.errors import Conflict, Invalid

TEMPLATES = Path(__file__).parent / "templates"
_BUILT = {
    "app.css": "public/app.css",
    "icon.svg": "public/icon.svg",
    "bridge.ts": "src/bridge.ts",
    "texts.ts": "src/texts.ts",
    "sampan.d.ts": "src/sampan.d.ts",
    "sampan.dev.json": "sampan.dev.json",
}
SHARED = {
    "vanilla": {
        "app.css": "app.css",
        "icon.svg": "icon.svg",
        "sampan.d.ts": ".types/sampan.d.ts",
        "sampan.dev.json": ".sampan.dev.json",
    },
    "vue": _BUILT,
    "react": _BUILT,
}
"""Which of the shared files a template takes, and where to."""
FILES_AT = {"vanilla": "", "vue": "public/", "react": "public/"}
"""Where a template keeps what goes into the package as it is."""
PAGE_OF = {"vanilla": "pages/index/index", "vue": "index", "react": "index"}
IGNORED = "node_modules/\ndist/\nmaps/\npacked/\n"


class FolderNotEmpty(Conflict):
    """The folder for the new app holds something already."""

    code = "folder_not_empty"


class AppIdWrong(Invalid):
    """The id is no reverse-DNS name."""

    code = "bad_app_id"


class UnknownTemplate(Invalid):
    """There is no template of this name."""

    code = "unknown_template"


def make_app(folder: Path, app_id: str, name: str, template: str = "vanilla") -> list[str]:
    """Write a new mini-app and return its files; raise `AppIdWrong`, `UnknownTemplate` or `FolderNotEmpty`."""
    if not is_app_id(app_id):
        raise AppIdWrong("An app id is reverse DNS in lower case, such as bank.demo.coupons.", field="id")
    if template not in SHARED:
        raise UnknownTemplate(f"Choose one of {', '.join(SHARED)}.", field="template")
    if folder.exists() and any(folder.iterdir()):
        raise FolderNotEmpty(f"{folder} is not empty. Choose a new folder.")
    files = files_of(app_id, name, template)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return sorted(files)


def files_of(app_id: str, name: str, template: str = "vanilla") -> dict[str, str]:
    """Return the text of every file by its path."""
    own = TEMPLATES / template
    sources = {path.relative_to(own).as_posix(): path for path in sorted(own.rglob("*")) if path.is_file()}
    sources |= {target: TEMPLATES / "shared" / source for source, target in SHARED[template].items()}
    values = {
        "@@HTML_NAME@@": html.escape(name),
        "@@SHORT@@": app_id.rpartition(".")[2],
    }
    files = {path: _filled(source.read_text(encoding="utf-8"), values) for path, source in sources.items()}
    files[f"{FILES_AT[template]}manifest.json"] = _json(manifest_of(app_id, name, PAGE_OF[template]))
    files |= {f"{FILES_AT[template]}i18n/{language}.json": text for language, text in _texts(name).items()}
    return files if template == "vanilla" else {**files, ".gitignore": IGNORED}


def manifest_of(app_id: str, name: str, page: str) -> dict[str, object]:
    """Return the manifest of a new app, whose one permission is what its page shows."""
    return {
        "app_id": app_id,
        "name": name,
        "icons": [{"src": "icon.svg"}],
        "pages": [page],
        "version": {"code": 1, "name": "1.0.0"},
        "platform_version": {"min_code": 1},
        "req_permissions": [{"name": "user.tier", "reason": "显示你的客户等级"}],
    }


def _texts(name: str) -> dict[str, str]:
    texts = {
        "zh": {"hello": "你的第一个小程序已经运行。", "tier": "客户等级", "theme": "主题", "language": "语言"},
        "en": {"hello": "Your first mini-app is running.", "tier": "Tier", "theme": "Theme", "language": "Language"},
    }
    return {language: _json({"title": name, **words}) for language, words in texts.items()}


def _filled(text: str, values: dict[str, str]) -> str:
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
