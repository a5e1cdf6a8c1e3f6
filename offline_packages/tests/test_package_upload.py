"""Every way in which an upload can be wrong has its own code, and leaves nothing behind."""

import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from zip_forge import MANIFEST, Entry, forge, forge_files, good_entries, good_files

from sampan.offline_packages import Accepted, PackageRefused, Policy, intake

PAGE = b"<!doctype html><title>Home</title>"
SMALL = Policy(
    max_upload_bytes=40_000,
    max_package_bytes=60_000,
    max_file_bytes=50_000,
    max_files=20,
    max_ratio=50,
    ratio_free_bytes=1_000,
)


def take(data: bytes, tmp_path: Path, policy: Policy | None = None) -> Accepted:
    (tmp_path / "upload").write_bytes(data)
    (tmp_path / "out").mkdir(exist_ok=True)
    return intake(tmp_path / "upload", tmp_path / "out" / "package.ma", policy)


def refused(data: bytes, tmp_path: Path, policy: Policy | None = None) -> PackageRefused:
    with pytest.raises(PackageRefused) as refusal:
        take(data, tmp_path, policy)
    assert list((tmp_path / "out").iterdir()) == []
    assert refusal.value.detail.endswith((".", "all."))
    return refusal.value


def with_file(name: bytes, content: bytes = b"x", **changes: Any) -> bytes:
    return forge(good_entries(Entry(name, content, **changes)))


def descriptor(content: bytes = PAGE, *, is_signed: bool = True, wrong: int = 0) -> bytes:
    packed = len(Entry(b"x", content).body())
    values = struct.pack("<3L", zlib.crc32(content), packed, len(content) + wrong)
    return (b"PK\x07\x08" if is_signed else b"") + values


LATER = {"crc": 0, "packed": 0, "size": 0}
TRUNCATED_DEFLATE = Entry(b"x", PAGE).body()[:-4]

CONTAINERS = {
    "zip_not_a_zip": [b"", b"not a zip at all", b"\x1f\x8b" + b"0" * 200, b"PK\x05\x06"[:3]],
    "zip_truncated": [forge_files(good_files())[:-30], b"PK\x03\x04", forge(good_entries(), comment=b"abc")[:-1]],
    "zip_trailing_data": [forge(good_entries(), after=b"\0"), forge(good_entries(), after=b"x" * 500)],
    "zip_prepended_data": [forge(good_entries(), before=b"#!/bin/sh\n")],
    "zip_comment": [forge(good_entries(), comment=b"hello")],
    "zip_gap": [
        forge(good_entries(gap=b"hidden")),
        forge([*good_entries()[:-1], Entry(b"pages/home.html", PAGE, gap=b"RPK Sig Block 42")]),
    ],
    "zip_overlap": [
        forge(
            good_entries(
                Entry(b"z.txt", b"z"),
                local={"packed": 4000, "size": 4000},
                central={"packed": 4000, "size": 4000},
                is_deflated=False,
            )
        ),
        forge(good_entries(Entry(b"z.txt", b"z", central={"offset": 150}))),
    ],
    "zip_spanned": [forge(good_entries(), disk=1), forge(good_entries(central={"disk": 2}))],
    "zip_zip64": [
        forge(good_entries(), count=0xFFFF),
        forge(good_entries(central={"size": 0xFFFFFFFF})),
        with_file(b"a.txt", extra=struct.pack("<HHQ", 1, 8, 1)),
    ],
    "zip_encrypted": [
        with_file(b"a.txt", flags=0x0801),
        with_file(b"a.txt", flags=0x0840),
        with_file(b"a.txt", central={"method": 99}, local={"method": 99}),
        with_file(b"a.txt", extra=struct.pack("<HHHHBH", 0x9901, 7, 2, 0x4541, 3, 8)),
    ],
    "zip_method": [
        with_file(b"a.txt", central={"method": method}, local={"method": method}) for method in (1, 9, 12, 14, 93, 97)
    ],
    "zip_version": [with_file(b"a.txt", central={"version": 45})],
    "zip_flags": [with_file(b"a.txt", flags=0x0820), with_file(b"a.txt", flags=0x0810)],
    "zip_extra_field": [
        with_file(b"a.txt", extra=b"\x01"),
        with_file(b"a.txt", extra=struct.pack("<HH", 0x5455, 50)),
        with_file(b"a.txt", extra=struct.pack("<HHBL", 0x7075, 10, 1, 0) + b"b.txt"),
    ],
    "zip_header_mismatch": [
        with_file(b"a.txt", local={"name": b"b.txt"}),
        with_file(b"a.txt", local={"name": b"aa.txt"}),
        with_file(b"a.txt", local={"method": 0}),
        with_file(b"a.txt", local={"flags": 0x0802}),
        with_file(b"a.txt", local={"crc": 1}),
        with_file(b"a.txt", local={"size": 2}),
        with_file(b"a.txt", local={"packed": 2}),
    ],
    "zip_directory_broken": [
        forge(good_entries(), count=2),
        forge(good_entries(), count=9),
        forge(good_entries(), size=3),
        forge(good_entries(), offset=3),
        with_file(b""),
    ],
    "zip_descriptor_mismatch": [
        forge(good_entries(flags=0x0808, local=LATER, descriptor=descriptor(wrong=1))),
        forge(good_entries(flags=0x0808, local=LATER)),
        forge(good_entries(flags=0x0808, local=LATER, descriptor=descriptor() + b"\0")),
    ],
    "zip_data_corrupt": [
        forge(good_entries(packed=b"\xff\xff\xff\xff")),
        forge(good_entries(packed=TRUNCATED_DEFLATE)),
        forge(good_entries(packed=Entry(b"x", PAGE).body() + b"more")),
        forge(good_entries(packed=Entry(b"x", PAGE).body() + b"more" * 100_000)),
        forge(good_entries(packed=b"")),
    ],
    "zip_checksum": [forge(good_entries(central={"crc": 7}, local={"crc": 7}))],
}
NAMES = {
    "path_not_utf8": [with_file(b"\xff\xfe.txt"), with_file("é.txt".encode(), flags=0), with_file(b"\xed\xa0\x80")],
    "path_escapes": [
        with_file(name) for name in (b"../x", b"a/../../x", b"..", b"a//b", b"./a", b"a/./b", b"a/..", b"../x/")
    ],
    "path_absolute": [with_file(b"/etc/passwd"), with_file(b"C:/x"), with_file(b"c:x")],
    "path_backslash": [with_file(b"..\\x"), with_file(b"a\\b.js")],
    "path_character": [
        with_file(name.encode())
        for name in (*(f"a{sign}b" for sign in '"*<>|?\0\n\x7f\x85'), "ab:c", "\ue000", "\ufffe", "\ufff9", "\ufdd0",
                     "a\U000e0001", "a\U000e007f", "\U000f0000", "\U0001fffe", "\U0010ffff")
    ],
    "path_ends_with_dot": [with_file(b"a."), with_file(b"a./b"), with_file(b"...")],
    "path_too_long": [with_file(b"/".join([b"a" * 200] * 6))],
    "path_name_too_long": [with_file(b"a" * 256), with_file("é".encode() * 128)],
    "path_too_deep": [with_file(b"a/" * 32 + b"b")],
    "path_reserved": [with_file(b"_shared/x"), with_file(b"_SAMPAN/y")],
    "path_duplicate": [with_file(b"app.js")],
    "path_clash": [
        with_file(b"APP.JS"),
        with_file(b"Pages/other.html"),
        forge(good_entries(Entry("é.txt".encode()), Entry("e\u0301.txt".encode()))),
        forge(good_entries(Entry("straße".encode()), Entry(b"STRASSE"))),
        with_file(b"PAGES/", b""),
    ],
    "path_file_and_folder": [with_file(b"app.js/x"), with_file(b"app.js/", b"")],
    "path_not_a_file": [
        with_file(b"link", attributes=mode << 16)
        for mode in (0o120777, 0o020666, 0o060660, 0o010644, 0o140777, 0o040755)
    ] + [with_file(b"volume", attributes=0x08), with_file(b"a/", b"", attributes=0o100644 << 16)],
}  # fmt: skip
SIZES = {
    "size_upload": [with_file(b"r.bin", bytes(range(256)) * 170, is_deflated=False)],
    "size_package": [
        forge(good_entries(*(Entry(b"%d.bin" % n, bytes(range(256)) * 80) for n in range(4)))),
    ],
    "size_file": [with_file(b"r.bin", bytes(range(256)) * 200)],
    "size_count": [forge(good_entries(*(Entry(b"%d.txt" % n) for n in range(30))))],
    "size_bomb": [with_file(b"b.txt", b"0" * 40_000)],
    "size_lie": [
        with_file(b"a.txt", b"x" * 600, central={"size": 10}, local={"size": 10}),
        with_file(b"a.txt", b"x" * 10, central={"size": 11}, local={"size": 11}),
        with_file(b"a.txt", b"x" * 10, is_deflated=False, central={"size": 11}, local={"size": 11}),
        with_file(b"f/", b"x" * 10),
    ],
}
CONTENTS = {
    "type_executable": [
        with_file(b"a.bin", b"\x7fELF\x02\x01"),
        with_file(b"pic.png", b"MZ\x90\x00\x03"),
        with_file(b"A.class", b"\xca\xfe\xba\xbe\x00"),
        with_file(b"run", b"#!/bin/sh\nrm"),
        with_file(b"x", b"\xcf\xfa\xed\xfe\x07"),
        with_file(b"c.dex", b"dex\n035\x00"),
    ],
    "type_contradiction": [
        with_file(b"a.png", b"\xff\xd8\xff\xe0"),
        with_file(b"a.png", b""),
        with_file(b"a.jpg", b"<html>"),
        with_file(b"a.js", b"<!DOCTYPE html><html>"),
        with_file(b"a.css", b"\xef\xbb\xbf \n<html>"),
        with_file(b"a.json", b"PK\x03\x04"),
        with_file(b"a.js", b"\x89PNG\r\n\x1a\n"),
        with_file(b"a.html", b"a\x00b"),
        with_file(b"a.svg", b"alert(1)"),
        with_file(b"a.woff2", b"wOFF"),
        with_file(b"a.WASM", b"asm"),
    ],
    "manifest_missing": [forge_files({b"app.js": b"", b"src/manifest.json": MANIFEST}), forge([])],
    "manifest_not_json": [
        forge_files({**good_files(), b"manifest.json": data})
        for data in (b"", b"[]", b"{", b"\xff", b'{"a":1,"a":2}', b"[" * 9000, b'{"a":NaN}', b"\xef\xbb\xbf{}")
    ],
    "manifest_too_large": [forge_files({**good_files(), b"manifest.json": bytes(300 * 1024)})],
    "manifest_foreign": [forge_files({**good_files(), b"manifest.json": b'{"name":"A","start_url":"/"}'})],
    "layout_file_missing": [
        forge_files({key: value for key, value in good_files().items() if key != gone})
        for gone in (b"app.js", b"app.css")
    ],
}


def table(*groups: dict[str, list[bytes]]) -> list[Any]:
    return [
        pytest.param(code, data, id=f"{code}-{number}")
        for group in groups
        for code, uploads in group.items()
        for number, data in enumerate(uploads)
    ]


@pytest.mark.parametrize(("code", "data"), table(CONTAINERS, NAMES, CONTENTS))
def test_the_upload_is_refused_with_its_code(code: str, data: bytes, tmp_path: Path) -> None:
    assert refused(data, tmp_path).code == code


@pytest.mark.parametrize(("code", "data"), table(SIZES))
def test_a_size_over_policy_is_refused_with_its_code(code: str, data: bytes, tmp_path: Path) -> None:
    assert refused(data, tmp_path, SMALL).code == code


@pytest.mark.parametrize("code", ["size_upload", "size_package", "size_file"])
def test_a_size_refusal_names_the_largest_files(code: str, tmp_path: Path) -> None:
    refusal = refused(SIZES[code][0], tmp_path, SMALL)
    files = refusal.facts["files"]
    assert files[0]["path"] in ("r.bin", "0.bin")
    assert [file["size"] for file in files] == sorted((file["size"] for file in files), reverse=True)
    assert str(refusal.facts["limit"]) in refusal.detail


GOOD = {
    "deflated": forge(good_entries()),
    "descriptor": forge(good_entries(flags=0x0808, local=LATER, descriptor=descriptor())),
    "descriptor without magic": forge(good_entries(flags=0x0808, local=LATER, descriptor=descriptor(is_signed=False))),
    "descriptor told before too": forge(good_entries(flags=0x0808, descriptor=descriptor())),
    "stored": forge(good_entries(is_deflated=False)),
    "times": forge(good_entries(extra=struct.pack("<HHBL", 0x5455, 5, 1, 0))),
    "unicode path that agrees": forge(
        good_entries(Entry(b"a.txt", extra=struct.pack("<HHBL", 0x7075, 10, 1, 0) + b"a.txt"))
    ),
    "folders": forge(
        [Entry(b"pages/", is_deflated=False), *good_entries(), Entry(b"empty/", attributes=0o40755 << 16)]
    ),
    "older version": forge(good_entries(central={"version": 10}, local={"version": 10})),
    "names": forge(
        good_entries(
            Entry("é/中文 (1).txt".encode()), Entry(b".well-known/x"), Entry(b"[...id].js"), Entry(b"a/" * 31 + b"b")
        )
    ),
    "ico that is a png": forge(good_entries(Entry(b"favicon.ico", b"\x89PNG\r\n\x1a\n"))),
    "script with hashbang": forge(good_entries(Entry(b"x.js", b"#!/usr/bin/env node\n"))),
    "word that looks like a magic": forge(
        good_entries(Entry(b"a.js", b"BMI=1"), Entry(b"b.js", b"true&&MZ()"), Entry(b"c.js", b"var ftyp"))
    ),
    "one zero file of a megabyte": forge(good_entries(Entry(b"z.bin", bytes(1024 * 1024)))),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_right_upload_is_accepted(name: str, tmp_path: Path) -> None:
    accepted = take(GOOD[name], tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["package.ma"]
    subprocess.run(["unzip", "-tqq", str(accepted.archive_path)], check=True)
    again = intake(accepted.archive_path, tmp_path / "again.ma")
    assert again.digest == accepted.digest
    assert again.archive_path.read_bytes() == accepted.archive_path.read_bytes()


def test_a_bomb_that_lies_about_its_size_is_stopped_at_its_claim(tmp_path: Path) -> None:
    claim = {"size": 10}
    upload = tmp_path / "upload"
    upload.write_bytes(with_file(b"bomb.bin", bytes(20_000_000), local=claim, central=claim))
    seen: list[tuple[int, int]] = []
    with pytest.raises(PackageRefused) as refusal:
        intake(upload, tmp_path / "out.ma", progress=lambda done, total: seen.append((done, total)))
    assert refusal.value.code == "size_lie"
    assert all(done <= total for done, total in seen)


def test_a_file_that_was_there_before_survives_a_refusal(tmp_path: Path) -> None:
    accepted = take(forge(good_entries()), tmp_path)
    before = accepted.archive_path.read_bytes()
    with pytest.raises(PackageRefused):
        take(forge(good_entries(packed=b"\xff")), tmp_path)
    assert accepted.archive_path.read_bytes() == before


def test_a_hostile_name_is_made_printable(tmp_path: Path) -> None:
    refusal = refused(with_file("../\x1b[2J\u202egnp.js".encode()), tmp_path)
    assert refusal.path == "../\\x1b[2J\\u202egnp.js"
    assert refusal.detail.isprintable()
