"""One right and one wrong package for each MUST of the W3C MiniApp drafts (Packaging 2023-10-23, Manifest 2025-01-28).

Rules of names and of the ZIP container have their own tables in test_package_upload.py; here stand what a package
must hold and what its manifest must say. A rule that asks for a default is checked by the value that comes out.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zip_forge import forge_files, good_files

from sampan.offline_packages import Accepted, Kind, Manifest, PackageRefused, intake, parse_manifest
from sampan.offline_packages.json_members import load_json
from sampan.offline_packages.manifest import Window
from sampan.offline_packages.manifest_parsing import read_manifest

GOOD: dict[str, Any] = {
    "app_id": "com.example.bill-pay",
    "name": "账单",
    "icons": [{"src": "common/icon.png", "sizes": "48x48", "label": "bill"}],
    "pages": ["pages/home", "pages/history.html"],
    "version": {"code": 7, "name": "1.2.0"},
    "platform_version": {"min_code": 3, "target_code": 4, "release_type": "stable"},
    "short_name": "Bill",
    "description": "Pay bills",
    "lang": "zh-CN",
    "dir": "ltr",
    "color_scheme": "dark",
    "device_type": ["phone", "kiosk"],
    "req_permissions": [{"name": "pay", "reason": "to pay"}, {"name": "location"}],
    "widgets": [{"name": "balance", "path": "widgets/balance", "min_code": 5}],
    "window": {"fullscreen": True, "orientation": "landscape", "design_width": 375},
    "x-sampan": {
        "kind": "miniapp",
        "network": ["api.example.com", "*.cdn.example.com:8443"],
        "webview": ["www.example.com"],
        "dependencies": [
            {"id": "com.example.ui", "digest": "sha256:" + "ab" * 32},
            {"id": "com.example.base", "min_sequence": 2, "max_sequence": 9},
        ],
        "sub_packages": [{"name": "help", "root": "help", "independent": True}],
        "redirects": {"pages/old": "pages/home"},
    },
}


def with_value(path: str, value: object) -> dict[str, Any]:
    """Return the good manifest with the member at `a.b` set to `value`, or taken out when it is `...`."""
    manifest = copy.deepcopy(GOOD)
    *holders, last = path.split(".")
    holder = manifest
    for name in holders:
        holder = holder[name]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return manifest


def problems(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(PackageRefused) as refusal:
        read_manifest(manifest)
    assert refusal.value.code == "manifest_invalid"
    return [(problem["field"], problem["code"]) for problem in refusal.value.facts["problems"]]


def test_the_good_manifest_is_read_whole() -> None:
    manifest = read_manifest(GOOD)
    assert manifest.warnings == ()
    assert manifest.pages == ("pages/home", "pages/history")
    assert (manifest.sequence, manifest.version_name, manifest.min_host) == (7, "1.2.0", 3)
    assert [request.name for request in manifest.permissions] == ["pay", "location"]
    assert manifest.widgets[0].min_code == 5
    assert manifest.window == Window(fullscreen=True, orientation="landscape", design_width=375)
    assert manifest.vendor.network == ("*.cdn.example.com:8443", "api.example.com")
    assert [item.id for item in manifest.vendor.dependencies] == ["com.example.base", "com.example.ui"]


REQUIRED = [
    ("app_id", "com.example.x", 5),
    ("name", "n", ["n"]),
    ("icons", [{"src": "a.png"}], {"src": "a.png"}),
    ("pages", ["pages/home"], "pages/home"),
    ("version", {"code": 1, "name": "1"}, "1.0.0"),
    ("version.code", 1, "1"),
    ("version.name", "1.0", 1),
    ("platform_version", {"min_code": 1}, 1),
    ("platform_version.min_code", 0, "0"),
]


@pytest.mark.parametrize(("member", "right", "wrong"), REQUIRED, ids=[row[0] for row in REQUIRED])
def test_a_required_member_must_be_there_and_of_its_type(member: str, right: object, wrong: object) -> None:
    fits = with_value(member, right)
    if member == "pages":
        del fits["x-sampan"]
    read_manifest(fits)
    assert (member, "missing") in problems(with_value(member, ...))
    assert (member, "wrong_type") in problems(with_value(member, wrong))


HOSTS = [f"h{n}.example.com" for n in range(31)]
VALUES = [
    ("app_id", "a.b", "com", "bad_value"),
    ("app_id", "x1.y-2.z", "Com.Example", "bad_value"),
    ("app_id", "a." + "b" * 126, "a." + "b" * 127, "bad_value"),
    ("version.name", "1.0.0-rc.1+b_2", "../1", "bad_value"),
    ("version.name", "v", "", "wrong_type"),
    ("version.code", 2**53 - 1, 2**53, "wrong_type"),
    ("version.code", 5, 5.5, "wrong_type"),
    ("version.code", 1, True, "wrong_type"),
    ("platform_version.min_code", 0, -1, "bad_value"),
    ("pages", ["pages/home", "x/ü"], ["pages/home", "/etc/passwd"], "bad_value"),
    ("pages", ["pages/home", "b.html"], ["pages/home", "https://evil.example/"], "bad_value"),
    ("pages", ["pages/home", "c"], ["pages/home", "../c"], "bad_value"),
    ("pages", ["pages/home", "c"], ["pages/home", "c?x=1"], "bad_value"),
    ("pages", ["pages/home", "d"], ["pages/home", "pages/home.html"], "bad_value"),
    ("pages", ["pages/home"], [], "bad_value"),
    ("icons", [{"src": "a"}], [{"sizes": "1x1"}], "missing"),
    ("icons", [], ["a.png"], "wrong_type"),
    ("widgets", [{"name": "w", "path": "w"}], [{"name": "w", "path": "../w"}], "bad_value"),
    ("x-sampan", {}, [], "wrong_type"),
    ("x-sampan", {"kind": "miniapp"}, {"knid": "miniapp"}, "unknown"),
    ("x-sampan.kind", "miniapp", "plugin", "wrong_type"),
    ("x-sampan.network", ["a.b"], ["https://a.b"], "bad_value"),
    ("x-sampan.network", ["*.a.b:1"], ["*"], "bad_value"),
    ("x-sampan.network", HOSTS[:30], HOSTS, "bad_value"),
    ("x-sampan.webview", ["xn--fiq.cn"], ["Example.com"], "bad_value"),
    ("x-sampan.webview", [], "a.b", "wrong_type"),
    ("x-sampan.dependencies", [], [{"id": "com.example.ui"}], "bad_value"),
    ("x-sampan.dependencies", [], [{"id": "a.b", "digest": "sm3:" + "0" * 64}], "bad_value"),
    ("x-sampan.dependencies", [], [{"id": "a.b", "min_sequence": 3, "max_sequence": 2}], "bad_value"),
    ("x-sampan.sub_packages", [{"name": "a", "root": "x"}, {"name": "b", "root": "xy"}],
     [{"name": "a", "root": "x"}, {"name": "b", "root": "x/y"}], "bad_value"),
    ("x-sampan.sub_packages", [{"name": "a", "root": "x"}], [{"name": "a", "root": "../x"}], "bad_value"),
    ("x-sampan.sub_packages", [{"name": "a", "root": "x"}], [{"name": "a", "root": "x", "eager": True}], "unknown"),
    ("x-sampan.redirects", {"p": "pages/home"}, {"p": "pages/gone"}, "bad_value"),
    ("x-sampan.redirects", {"p": "pages/history"}, {"pages/home": "pages/history"}, "bad_value"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("member", "right", "wrong", "code"), VALUES, ids=[f"{n}-{row[0]}" for n, row in enumerate(VALUES)]
)
def test_a_value_must_keep_its_rule(member: str, right: object, wrong: object, code: str) -> None:
    fits = with_value(member, right)
    if member in ("pages",):
        fits["x-sampan"].pop("redirects")
    read_manifest(fits)
    found = problems(with_value(member, wrong))
    assert any(field.startswith(member.split("[")[0]) and kind == code for field, kind in found), found


IGNORED: list[tuple[str, object, Callable[[Manifest], object], object]] = [
    ("short_name", 5, lambda m: m.short_name, None),
    ("description", {}, lambda m: m.description, None),
    ("lang", [], lambda m: m.lang, None),
    ("dir", "up", lambda m: m.dir, "auto"),
    ("color_scheme", "pink", lambda m: m.color_scheme, "auto"),
    ("device_type", "phone", lambda m: m.device_type, ()),
    ("device_type", ["phone", 5], lambda m: m.device_type, ("phone",)),
    ("req_permissions", "pay", lambda m: m.permissions, ()),
    ("req_permissions", [{"reason": "x"}, 7], lambda m: m.permissions, ()),
    ("widgets", {}, lambda m: m.widgets, ()),
    ("widgets", [{"name": "w"}], lambda m: m.widgets, ()),
    ("window", 7, lambda m: m.window, Window()),
    ("window.fullscreen", "false", lambda m: m.window.fullscreen, False),
    ("window.orientation", "sideways", lambda m: m.window.orientation, "portrait"),
    ("window.design_width", "750", lambda m: m.window.design_width, 750),
    ("platform_version.target_code", "4", lambda m: m.target_host, None),
    ("platform_version.release_type", 4, lambda m: m.release_type, None),
    ("version.code", 0, lambda m: m.sequence, 1),
    ("version.code", -5, lambda m: m.sequence, 1),
]


@pytest.mark.parametrize(
    ("member", "wrong", "read", "default"), IGNORED, ids=[f"{n}-{row[0]}" for n, row in enumerate(IGNORED)]
)
def test_a_wrong_optional_member_is_ignored_and_told(
    member: str, wrong: object, read: Callable[[Manifest], object], default: object
) -> None:
    manifest = read_manifest(with_value(member, wrong))
    assert read(manifest) == default
    assert any(warning.field.startswith(member) for warning in manifest.warnings)


def test_the_defaults_of_the_draft() -> None:
    needed = {key: GOOD[key] for key in ("app_id", "name", "icons", "pages", "version", "platform_version")}
    manifest = read_manifest({**needed, "unknown_member": {"anything": 1}})
    assert (manifest.dir, manifest.color_scheme, manifest.window) == ("auto", "auto", Window())
    assert manifest.vendor.kind is Kind.MINIAPP
    widget = read_manifest({**needed, "widgets": [{"name": "w", "path": "w.html"}]}).widgets[0]
    assert (widget.path, widget.min_code) == ("w", 3)


def test_all_problems_are_told_at_once() -> None:
    assert {field for field, _ in problems({"name": 1, "icons": [{}]})} == {
        "app_id", "name", "icons[0].src", "version", "platform_version", "pages",
    }  # fmt: skip


@pytest.mark.parametrize(
    "data", [b'{"a": 1, "a": 2}', b"\xef\xbb\xbf{}", b"{}\xff", b'{"a": Infinity}', b"", b"[" * 10**5]
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(PackageRefused) as refusal:
        load_json(data)
    assert refusal.value.code == "manifest_not_json"


def test_a_lone_surrogate_is_no_text() -> None:
    manifest = json.dumps(with_value("name", "\ud800")).encode()
    with pytest.raises(PackageRefused) as refusal:
        parse_manifest(manifest)
    assert refusal.value.facts["problems"][0]["field"] == "name"


# Layout --------------------------------------------------------------------------------------------------


def take(files: dict[bytes, bytes], tmp_path: Path) -> Accepted:
    (tmp_path / "upload").write_bytes(forge_files(files))
    return intake(tmp_path / "upload", tmp_path / "package.ma")


def manifest_bytes(**changes: object) -> bytes:
    base = {
        "app_id": "com.example.a",
        "name": "A",
        "icons": [],
        "pages": ["pages/home"],
        "version": {"code": 1, "name": "1.0.0"},
        "platform_version": {"min_code": 1},
    }
    return json.dumps({**base, **changes}).encode()


LAYOUTS: list[tuple[str, dict[str, object], list[str], list[str]]] = [
    ("layout_file_missing", {}, ["app.js", "app.css", "pages/home.html"], ["app.js", "pages/home.html"]),
    ("layout_file_missing", {}, ["app.js", "app.css", "pages/home.html"], ["App.js", "app.css", "pages/home.html"]),
    ("layout_page_missing", {}, ["app.js", "app.css", "pages/home.html"], ["app.js", "app.css", "pages/home.js"]),
    ("layout_page_missing", {"pages": ["pages/a", "pages/b"]},
     ["app.js", "app.css", "pages/a.html", "pages/b.html"], ["app.js", "app.css", "pages/a.html", "pages/B.html"]),
    ("layout_page_missing", {"widgets": [{"name": "w", "path": "w/w"}]},
     ["app.js", "app.css", "pages/home.html", "w/w.html"], ["app.js", "app.css", "pages/home.html"]),
    ("layout_pages_folder", {"pages": ["index"]}, ["app.js", "app.css", "index.html"], []),
    ("layout_pages_folder", {"pages": ["start"]},
     ["app.js", "app.css", "start.html", "pages/x.txt"], ["app.js", "app.css", "start.html"]),
    ("layout_sub_package_empty", {"x-sampan": {"sub_packages": [{"name": "h", "root": "help"}]}},
     ["app.js", "app.css", "pages/home.html", "help/a.txt"], ["app.js", "app.css", "pages/home.html", "help.txt"]),
    ("manifest_invalid", {"x-sampan": {"kind": "shared"}, "pages": []}, ["lib.js"], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "changes", "right", "wrong"), LAYOUTS, ids=[f"{n}-{row[0]}" for n, row in enumerate(LAYOUTS)]
)
def test_a_package_must_hold_its_files(
    code: str, changes: dict[str, object], right: list[str], wrong: list[str], tmp_path: Path
) -> None:
    manifest = {b"manifest.json": manifest_bytes(**changes)}
    assert take({**manifest, **{name.encode(): b"" for name in right}}, tmp_path).index.app == "com.example.a"
    if wrong:
        with pytest.raises(PackageRefused) as refusal:
            take({**manifest, **{name.encode(): b"" for name in wrong}}, tmp_path)
        assert refusal.value.code == code


def test_a_shared_package_has_no_pages(tmp_path: Path) -> None:
    refused = {b"manifest.json": manifest_bytes(**{"x-sampan": {"kind": "shared"}}), **{b"pages/home.html": b""}}
    with pytest.raises(PackageRefused) as refusal:
        take(refused, tmp_path)
    assert refusal.value.facts["problems"][0]["field"] == "pages"


def test_names_are_case_sensitive_in_the_manifest(tmp_path: Path) -> None:
    files = {**good_files(), b"manifest.json": manifest_bytes(pages=["pages/Home"])}
    with pytest.raises(PackageRefused) as refusal:
        take(files, tmp_path)
    assert refusal.value.code == "layout_page_missing"
