"""Random app folders that are valid: names in many scripts, manifests with every member, right and ignored ones."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from sampan.offline_packages import NewApp, PackageRefused
from sampan.offline_packages.names import check_no_clash, check_path

_LETTERS = st.sampled_from("abcXYZ019-_ +=~,;@!$%&'()[]{}^`éÉßİıſKñ中文字かなไทยأب😀𠀀fi") | st.characters(
    exclude_categories=["Cs", "Cc", "Co", "Cn"], exclude_characters='/\\"*:<>?|.'
)
_NAMES = st.text(_LETTERS, min_size=1, max_size=10)
_ENDINGS = st.sampled_from(["", ".bin", ".dat", ".txt", ".js", ".css", ".x.js"])
_WORDS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
_NOISE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_DOMAINS = st.builds(
    lambda star, words, port: star + ".".join(words) + port,
    st.sampled_from(["", "*."]),
    st.lists(_WORDS, min_size=2, max_size=3),
    st.sampled_from(["", ":8443"]),
)
_APP_IDS = st.lists(_WORDS, min_size=2, max_size=4).map(".".join)


@dataclass(frozen=True)
class Case:
    """One app folder; `new_app` is there for a plain build."""

    files: dict[str, bytes] = field(repr=False)
    new_app: NewApp | None

    def write(self, folder: Path, *, is_reversed: bool = False) -> None:
        """Create the files, in either order, so that two folders list them differently."""
        for path in sorted(self.files, reverse=is_reversed):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.files[path])


def _is_allowed(files: dict[str, bytes]) -> bool:
    try:
        for path in files:
            check_path(path)
        check_no_clash(files)
    except PackageRefused:
        return False
    return True


@st.composite
def _other_files(draw: st.DrawFn) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for _ in range(draw(st.integers(0, 6))):
        folders = draw(st.lists(_NAMES, max_size=2))
        path = "/".join([*folders, draw(_NAMES) + draw(_ENDINGS)])
        content = draw(st.binary(max_size=60)).replace(b"\0", b"0")
        candidate = {**files, path: b"~" + content if content else b""}
        if path.split("/")[0] not in ("pages", "index.html") and _is_allowed(candidate):
            files = candidate
    return files


@st.composite
def manifests(draw: st.DrawFn, pages: list[str]) -> dict[str, Any]:
    """Return a manifest that is accepted; optional members are right, wrong (hence ignored) or absent."""
    manifest: dict[str, Any] = {
        "app_id": draw(_APP_IDS),
        "name": draw(st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable())),
        "icons": draw(st.lists(st.fixed_dictionaries({"src": _NAMES}), max_size=2)),
        "pages": [page + draw(st.sampled_from(["", ".html"])) for page in pages],
        "version": {
            "code": draw(st.integers(-3, 2**53 - 1)),
            "name": draw(st.from_regex(r"[0-9]\.[0-9]{1,3}\.[0-9](-rc[0-9])?", fullmatch=True)),
        },
        "platform_version": {"min_code": draw(st.integers(0, 1000))},
    }
    requests = st.fixed_dictionaries({}, optional={"name": st.text(max_size=10) | _NOISE, "reason": _NOISE})
    optional: dict[str, st.SearchStrategy[Any]] = {
        "req_permissions": st.lists(requests | _NOISE, max_size=4) | _NOISE,
        "short_name": _NOISE,
        "window": st.fixed_dictionaries({}, optional={"fullscreen": _NOISE, "orientation": _NOISE}) | _NOISE,
        "device_type": st.lists(_NOISE, max_size=3) | _NOISE,
        "dir": st.sampled_from(["ltr", "rtl", "auto"]) | _NOISE,
        "color_scheme": _NOISE,
        "anything-else": _NOISE,
        "x-sampan": _vendors(pages),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            manifest[name] = draw(values)
    return manifest


@st.composite
def _vendors(draw: st.DrawFn, pages: list[str]) -> dict[str, Any]:
    pinned = st.fixed_dictionaries({"id": _APP_IDS, "digest": st.just("sha256:" + "5e" * 32)})
    ranged = st.fixed_dictionaries(
        {"id": _APP_IDS, "min_sequence": st.integers(1, 5), "max_sequence": st.integers(5, 9)}
    )
    old = _WORDS.map(lambda word: f"old/{word}")
    members: dict[str, st.SearchStrategy[Any]] = {
        "kind": st.just("miniapp"),
        "network": st.lists(_DOMAINS, max_size=4),
        "webview": st.lists(_DOMAINS, max_size=4),
        "dependencies": st.lists(pinned | ranged, max_size=3, unique_by=lambda item: item["id"]),
        "sub_packages": st.sampled_from(
            [[], [{"name": "main-part", "root": "pages"}], [{"name": "p", "root": "pages", "independent": True}]]
        ),
        "redirects": st.dictionaries(old, st.sampled_from(pages), max_size=3),
    }
    return {name: draw(values) for name, values in members.items() if draw(st.booleans())}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return a valid app folder: a W3C one, or a plain build."""
    files = draw(_other_files())
    if draw(st.integers(0, 3)) == 0:
        files = {**files, "index.html": b"<!doctype html>", **draw(st.sampled_from([{}, {"logo.svg": b"<svg/>"}]))}
        version = draw(st.from_regex(r"[0-9]\.[0-9]\.[0-9]", fullmatch=True))
        new_app = NewApp(app_id=draw(_APP_IDS), version_name=version, sequence=draw(st.integers(1, 99)))
        if not _is_allowed({**files, "manifest.json": b"", "app.js": b"", "app.css": b""}):
            files = {"index.html": b"<!doctype html>"}
        return Case(files, new_app)
    pages = [f"pages/{name}" for name in draw(st.lists(_WORDS, min_size=1, max_size=3, unique=True))]
    form = {"app.js": b"", "app.css": b"", **{f"{page}.html": b"<!doctype html>" for page in pages}}
    form["manifest.json"] = json.dumps(draw(manifests(pages)), ensure_ascii=draw(st.booleans())).encode()
    return Case({**files, **form} if _is_allowed({**files, **form}) else form, None)
