"""Random and mutated uploads: accepted whole or refused with a code; never another error, never a stray file."""

import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st
from package_cases import manifests
from zip_forge import Entry, forge, good_entries

from sampan.offline_packages import (
    PackageReader,
    PackageRefused,
    Policy,
    check_package,
    intake,
    parse_index,
    parse_manifest,
    scan_secrets,
    verify_archive,
)

POLICY = Policy(max_package_bytes=100_000, max_file_bytes=100_000, max_files=50)
T = TypeVar("T")
GOOD = (
    forge(good_entries(Entry(b"a.txt", b"some text " * 30), Entry(b"i18n/en.json", b'{"a":"b"}'))),
    forge(good_entries(is_deflated=False)),
)
_FIELDS = st.sampled_from(["version", "flags", "method", "crc", "packed", "size", "disk", "attributes", "offset"])
_NUMBERS = st.sampled_from([0, 1, 2, 8, 0x0800, 0x0808, 0xFFFF]) | st.integers(0, 0xFFFF)
_OVERRIDES = st.dictionaries(_FIELDS, _NUMBERS, max_size=2)
_NAMES = st.text(st.sampled_from("ab./\\..:é\0Aİ"), max_size=8).map(str.encode) | st.binary(max_size=6)
_ENTRIES = st.builds(
    Entry,
    name=_NAMES,
    content=st.binary(max_size=50) | st.just(b"\0" * 3000),
    is_deflated=st.booleans(),
    packed=st.none() | st.binary(max_size=20),
    flags=st.sampled_from([0x0800, 0, 0x0808]),
    extra=st.just(b"") | st.binary(max_size=8),
    gap=st.just(b"") | st.binary(max_size=3),
    local=_OVERRIDES,
    central=_OVERRIDES,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.sampled_from(["flip", "insert", "cut", "copy"]))
        if kind == "flip":
            data[at] = draw(st.integers(0, 255))
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=5))
        elif kind == "cut" and len(data) > 40:
            del data[at : at + draw(st.integers(1, 30))]
        elif kind == "copy":
            data += data[at : at + draw(st.integers(1, 60))]
    return bytes(data)


def accepted_or_code(call: Callable[[], T]) -> tuple[T | None, str | None]:
    """Return what `call` returns, or the code of its refusal; any other error is a failure of the test."""
    try:
        return call(), None
    except PackageRefused as refusal:
        return None, refusal.code


def judge(data: bytes) -> None:
    """Take `data` in; whatever happens, only the accepted archive may lie in the output folder."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        out = root / "out"
        out.mkdir()
        (root / "upload").write_bytes(data)
        accepted, code = accepted_or_code(lambda: intake(root / "upload", out / "package.ma", POLICY))
        assert code != PackageRefused.code
        if accepted is not None:
            assert parse_index(accepted.index_bytes) == accepted.index
            verify_archive(accepted.index, accepted.archive_path)
            with zipfile.ZipFile(accepted.archive_path) as archive:
                assert archive.namelist() == [entry.path for entry in accepted.index.files]
            with PackageReader(accepted.index, accepted.archive_path) as reader:
                check_package(reader, accepted.manifest)
                scan_secrets(reader)
        left = [] if accepted is None else ["package.ma"]
        assert sorted(path.name for path in out.iterdir()) == left
        assert sorted(path.name for path in root.iterdir()) == ["out", "upload"]


@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    judge(data)


@given(mutated())
def test_mutated_packages(data: bytes) -> None:
    judge(data)


@given(st.lists(_ENTRIES, max_size=4), st.dictionaries(st.sampled_from(["count", "disk", "size", "offset"]), _NUMBERS))
def test_forged_archives(entries: list[Entry], end: dict[str, Any]) -> None:
    judge(forge(good_entries(*entries), **end))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spoiled_manifests(draw: st.DrawFn) -> object:
    """Return a right manifest in which one member anywhere is anything."""
    manifest = draw(manifests(["pages/home"]))
    holder = manifest
    for _ in range(draw(st.integers(0, 2))):
        inner = [value for value in holder.values() if isinstance(value, dict) and value]
        if inner:
            holder = draw(st.sampled_from(inner))
    holder[draw(st.sampled_from(sorted(holder)))] = draw(_JSON)
    return manifest


@given(spoiled_manifests() | _JSON)
def test_spoiled_manifests_are_read_or_refused(value: object) -> None:
    manifest, code = accepted_or_code(lambda: parse_manifest(json.dumps(value).encode()))
    if manifest is None:
        assert str(code).startswith("manifest_")
        return
    assert manifest.sequence >= 1
    assert manifest.app_id
    assert manifest.pages or manifest.vendor.kind == "shared"


@given(st.binary(max_size=200) | _JSON.map(lambda value: repr(value).encode("utf-8", "replace")))
def test_random_bytes_are_no_index(data: bytes) -> None:
    _, code = accepted_or_code(lambda: parse_index(data))
    assert code in ("index_invalid", "index_not_canonical")
