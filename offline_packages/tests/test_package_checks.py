"""The automatic checks: each finding with its code, how grave it is, and file and line where it has a place."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zip_forge import forge_files

from sampan.offline_packages import Accepted, CheckPolicy, Finding, PackageIndex, PackageReader, check_package, intake
from sampan.offline_packages.html_tags import start_tags
from sampan.offline_packages.source_scan import covers, scan_source

Take = Callable[..., Accepted]


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Return a function that makes an accepted package of some files and manifest members."""
    taken: list[Path] = []

    def make(files: dict[str, bytes] | None = None, **members: Any) -> Accepted:
        manifest = {
            "app_id": "com.example.a",
            "name": "A",
            "icons": [],
            "pages": ["pages/home"],
            "version": {"code": 1, "name": "1.0.0"},
            "platform_version": {"min_code": 1},
            **members,
        }
        pages = {f"{page}.html": b"<!doctype html>" for page in manifest["pages"]}
        texts = {"i18n/zh-CN.json": b"{}", "i18n/en.json": b"{}", "app.js": b"", "app.css": b""}
        content = {**texts, **pages, **(files or {}), "manifest.json": json.dumps(manifest).encode()}
        upload, out = tmp_path / f"{len(taken)}.zip", tmp_path / f"{len(taken)}.ma"
        taken.append(out)
        upload.write_bytes(forge_files({name.encode(): data for name, data in content.items()}))
        return intake(upload, out)

    return make


def check(accepted: Accepted, previous: PackageIndex | None = None, **policy: Any) -> list[Finding]:
    with PackageReader(accepted.index, accepted.archive_path) as reader:
        return check_package(reader, accepted.manifest, previous=previous, policy=CheckPolicy(**policy))


def places(findings: list[Finding]) -> list[tuple[str, str, str | None, int | None]]:
    return [(finding.code, finding.severity.value, finding.file, finding.line) for finding in findings]


def test_a_clean_package_has_no_findings(take: Take) -> None:
    accepted = take({"pages/home.js": b"fetch('/data.json')"})
    assert check(accepted, accepted.index, allowed_domains=()) == []


def test_a_removed_page_needs_a_redirect(take: Take) -> None:
    before = take(pages=["pages/home", "pages/old"]).index
    assert places(check(take(), before)) == [("page_removed", "error", "manifest.json", None)]
    redirected = take(**{"x-sampan": {"redirects": {"pages/old": "pages/home"}}})
    assert check(redirected, before) == []


def test_growth_is_told_by_file_and_through_build_hashes(take: Take) -> None:
    before = take({"assets/index-4f3aB_c1.js": b"a" * 1000, "assets/vendor.js": b"b" * 1000}).index
    after = take({"assets/index-9c8dE-f2.js": b"a" * 301_000, "assets/vendor.js": b"b" * 2000})
    findings = check(after, before)
    assert places(findings) == [
        ("size_growth", "warning", None, None),
        ("file_growth", "info", "assets/index-9c8dE-f2.js", None),
        ("file_growth", "info", "assets/vendor.js", None),
    ]
    assert findings[1].message.startswith("300000 bytes")
    assert check(after, before, growth_free_bytes=10**9) == []


def test_new_permissions_are_told(take: Take) -> None:
    before = take(req_permissions=[{"name": "login"}]).index
    now = take(req_permissions=[{"name": "login"}, {"name": "pay"}], **{"x-sampan": {"network": ["a.example.com"]}})
    findings = check(now, before)
    assert {finding.code for finding in findings} == {"permission_added"}
    assert ["pay" in findings[0].message, "a.example.com" in findings[1].message] == [True, True]
    assert check(now, now.index) == []


def test_declared_domains_must_be_on_the_banks_list(take: Take) -> None:
    accepted = take(**{"x-sampan": {"network": ["api.bank.example"], "webview": ["*.shop.example:8443"]}})
    assert check(accepted) == []
    assert check(accepted, allowed_domains=("*.bank.example", "*.shop.example")) == []
    findings = check(accepted, allowed_domains=("*.bank.example",))
    assert places(findings) == [("domain_not_allowed", "error", "manifest.json", None)]


def test_missing_locales_and_broken_texts(take: Take) -> None:
    accepted = take({"i18n/de_DE.json": b"{}", "i18n/fr.json": b"[1]", "i18n/it.json": b"{"})
    assert places(check(accepted, locales=("zh", "ja"))) == [
        ("locale_name", "error", "i18n/de_DE.json", None),
        ("locale_not_json", "error", "i18n/fr.json", None),
        ("locale_not_json", "error", "i18n/it.json", None),
        ("locale_missing", "warning", None, None),
    ]


def test_an_icon_that_is_not_there(take: Take) -> None:
    accepted = take({"a.ico": b"\0\0\1\0"}, icons=[{"src": "a.ico"}, {"src": "./b.png"}])
    assert places(check(accepted)) == [("icon_missing", "warning", "manifest.json", None)]


def test_a_source_too_large_is_not_passed_over_in_silence(take: Take) -> None:
    accepted = take({"big.js": b"eval('1')" * 10})
    assert places(check(accepted, max_scanned_bytes=50)) == [("source_not_checked", "warning", "big.js", None)]


SOURCES: list[tuple[str, str, list[tuple[str, str, int]]]] = [
    ("a.js", "\n\nfetch('https://evil.example/x')", [("domain_undeclared", "warning", 3)]),
    ("a.js", "new WebSocket(`wss://evil.example`)", [("domain_undeclared", "warning", 1)]),
    ("a.js", "x='//evil.example/a'", [("domain_undeclared", "warning", 1)]),
    ("a.css", "a{background:url(//evil.example/a.png)}", [("domain_undeclared", "warning", 1)]),
    ("a.js", "fetch('https://api.good.example/x')", []),
    ("a.js", "el.setAttribute('xmlns','http://www.w3.org/2000/svg') // a comment", []),
    ("a.js", "const pc = new RTCPeerConnection()", [("webrtc_used", "error", 1)]),
    ("a.js", "new webkitRTCPeerConnection", [("webrtc_used", "error", 1)]),
    ("a.html", "<p>\n<script>pc=RTCDataChannel</script>",
     [("csp_inline_script", "error", 2), ("webrtc_used", "error", 2)]),
    ("a.js", "a\neval ( 'x' ); new Function('y'); eval('z')", [("csp_eval", "warning", 2)]),
    ("a.js", "setTimeout('x()', 5)", [("csp_eval", "warning", 1)]),
    ("a.js", "medieval(); setTimeout(f); obj.evaluate(1)", []),
    ("a.html", "<script>x()</script>", [("csp_inline_script", "error", 1)]),
    ("a.html", "<SCRIPT type=module>\nx()</SCRIPT>", [("csp_inline_script", "error", 1)]),
    ("a.html", "<script src=a.js></script><script> </script>", []),
    ("a.html", '<script type="application/json">{"a":1}</script>', []),
    ("a.html", "<!-- <script>x()</script> --><p title='<script>x()</script>'>", []),
    ("a.html", "<textarea><script>x()</script></textarea>", []),
    ("a.html", "<p>\n<a onclick='x()'>", [("csp_inline_handler", "error", 2)]),
    ("a.html", "<a once='x()' on=1>", [("csp_inline_handler", "error", 1)]),
    ("a.html", "<a href=' java&#115;cript:x()'>", [("csp_javascript_url", "error", 1)]),
    ("a.html", "<a href='#javascript:'>", []),
    ("a.html", "<iframe srcdoc='<p>'>", [("csp_srcdoc", "warning", 1)]),
    ("a.html", "<script src='https://cdn.example/x.js'></script>",
     [("domain_undeclared", "warning", 1), ("external_resource", "error", 1)]),
    ("a.html", "<img src=//api.good.example/x.png>", []),
    ("a.html", "<script src=//api.good.example/x.js></script>", [("external_resource", "error", 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "expected"), SOURCES, ids=[f"{n}" for n in range(len(SOURCES))])
def test_sources(path: str, text: str, expected: list[tuple[str, str, int]]) -> None:
    found = scan_source(path, text, {"*.good.example"})
    assert sorted((one.code, one.severity.value, one.line or 0) for one in found) == sorted(expected)


def test_each_rule_is_told_once_a_file_with_a_count() -> None:
    (finding,) = scan_source("a.js", "a\n" + "RTCPeerConnection\n" * 5, ())
    assert (finding.line, "5 places" in finding.message) == (2, True)


def test_a_file_full_of_domains_is_cut_and_says_so() -> None:
    text = "\n".join(f"https://h{n}.example" for n in range(1000))
    found = scan_source("a.js", text, ())
    assert (len(found), found[-1].code) == (201, "findings_cut")


@pytest.mark.parametrize(
    ("declared", "host", "is_covered"),
    [
        ("a.b", "a.b", True),
        ("a.b:8443", "a.b", True),
        ("*.a.b", "x.a.b", True),
        ("*.a.b", "x.y.a.b", True),
        ("*.a.b", "a.b", False),
        ("*.a.b", "xa.b", False),
        ("a.b", "x.a.b", False),
    ],
)
def test_which_hosts_a_domain_covers(declared: str, host: str, is_covered: bool) -> None:
    assert covers([declared], host) is is_covered


HOSTILE = [
    "<",
    "<a ",
    "<a b",
    "<a b=",
    "<a b='",
    "<!--",
    "<script>",
    "<script",
    "</",
    "<a b ",
    "://",
    "https://a.",
    "'//a",
    "eval ",
    "<a/",
    "=",
]


@given(st.lists(st.sampled_from([*HOSTILE, ">", "x", "-->", "\n", " "])).map("".join))
def test_tags_come_in_order_and_inside_the_text(page: str) -> None:
    positions = [tag.position for tag in start_tags(page)]
    assert positions == sorted(set(positions))
    assert all(page[position] == "<" for position in positions)
    scan_source("a.html", page, ())


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_scan_of_a_hostile_megabyte_is_linear(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        start = time.process_time()
        scan_source("a.html", text, ())
        scan_source("a.js", text, ())
        return time.process_time() - start

    seconds(10_000)
    small, large = max(seconds(50_000), 0.003), seconds(800_000)
    assert large < 100 * small  # quadratic would be 256 times
