"""The index has one spelling, and whoever reads it refuses every other."""

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zip_forge import Entry, forge, good_entries

from sampan.offline_packages import Kind, PackageIndex, PackageRefused, intake, package_digest, parse_index
from sampan.offline_packages.index import (
    ArchiveEntry,
    DependencyEntry,
    FileEntry,
    Permissions,
    RedirectEntry,
    SubPackageEntry,
)
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.crypto.digest import digest


@pytest.fixture
def index(tmp_path: Path) -> PackageIndex:
    (tmp_path / "upload").write_bytes(forge(good_entries(Entry("中文.txt".encode(), b"text"))))
    return intake(tmp_path / "upload", tmp_path / "out.ma").index


def refused(value: object) -> PackageRefused:
    with pytest.raises(PackageRefused) as refusal:
        parse_index(value if isinstance(value, bytes) else canonical_json(value))
    return refusal.value


def test_the_digest_of_the_bytes_is_the_package_digest(index: PackageIndex) -> None:
    assert package_digest(index.to_bytes()) == digest(index.to_bytes())
    assert parse_index(index.to_bytes()) == index


def test_each_offset_is_that_of_the_content(index: PackageIndex, tmp_path: Path) -> None:
    data = (tmp_path / "out.ma").read_bytes()
    for entry in index.files:
        content = data[entry.offset : entry.offset + entry.size]
        assert digest(content) == f"sha256:{entry.sha256}"
        assert digest(content, "sm3") == f"sm3:{entry.sm3}"
    assert (len(data), digest(data)) == (index.archive.size, f"sha256:{index.archive.sha256}")


def test_other_spellings_are_refused(index: PackageIndex) -> None:
    data = index.to_bytes()
    value = json.loads(data)
    spellings = [
        json.dumps(value).encode(),
        json.dumps(value, sort_keys=True, separators=(",", ":")).encode(),
        b" " + data,
        data.replace(b'"sequence":1', b'"sequence":1.0'),
        data.replace(b'"kind":', b'"kind":"shared","kind":'),
        data.replace(b'"min_host":1', b'"min_host":01'),
        data.decode().encode("utf-16"),
        data[:-1],
        b"[" * 100_000,
    ]
    for spelling in spellings:
        assert spelling != data
        assert refused(spelling).code in ("index_not_canonical", "index_invalid")


def changes() -> dict[str, Any]:
    """Return functions that each break one rule of the index."""

    def swap_files(value: Any) -> None:
        value["files"].reverse()

    def repeat_file(value: Any) -> None:
        value["files"].append(value["files"][-1])

    def first(value: Any, **members: Any) -> None:
        value["files"][0].update(members)

    return {
        "format": lambda v: v.update(format="sampan-package/2"),
        "unknown member": lambda v: v.update(extra=1),
        "missing member": lambda v: v.pop("redirects"),
        "sequence 0": lambda v: v.update(sequence=0),
        "sequence text": lambda v: v.update(sequence="1"),
        "min_host": lambda v: v.update(min_host=-1),
        "app": lambda v: v.update(app="../x"),
        "version": lambda v: v.update(version="../x"),
        "pages": lambda v: v.update(pages=["https://x"]),
        "kind": lambda v: v.update(kind="plugin"),
        "order": swap_files,
        "double": repeat_file,
        "offset": lambda v: first(v, offset=0),
        "size": lambda v: first(v, size=1),
        "negative size": lambda v: first(v, size=-1),
        "sha256": lambda v: first(v, sha256="AB" * 32),
        "sm3": lambda v: first(v, sm3="ab" * 31),
        "path": lambda v: first(v, path="../x"),
        "archive size": lambda v: v["archive"].update(size=1),
        "archive digest": lambda v: v["archive"].update(sha256="sha256:" + "0" * 64),
        "permissions order": lambda v: v["permissions"].update(bridge=["b", "a"]),
        "permission twice": lambda v: v["permissions"].update(network=["a.b", "a.b"]),
        "null": lambda v: v.update(dependencies=[{"id": "a.b", "digest": None, "min_sequence": 1, "max_sequence": 2}]),
        "redirects order": lambda v: v.update(redirects=[{"from": "b", "to": "x"}, {"from": "a", "to": "x"}]),
    }


@pytest.mark.parametrize("name", list(changes()))
def test_what_breaks_the_format_is_refused(name: str, index: PackageIndex) -> None:
    value = copy.deepcopy(json.loads(index.to_bytes()))
    changes()[name](value)
    assert refused(value).code in ("index_invalid", "index_not_canonical")


_TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=3).map(tuple)


@given(_TEXTS, _TEXTS, st.integers(-(2**53) + 1, 2**53 - 1), st.booleans())
def test_the_fast_encoder_is_the_canonical_one(
    texts: tuple[str, ...], others: tuple[str, ...], number: int, is_independent: bool
) -> None:
    index = PackageIndex(
        format="",
        app="".join(texts),
        kind=Kind.SHARED,
        version="".join(others),
        sequence=number,
        min_host=0,
        permissions=Permissions(texts, others, texts),
        dependencies=(DependencyEntry("a", "b"), DependencyEntry("c", None, 1, number)),
        sub_packages=tuple(SubPackageEntry(text, text, is_independent) for text in texts),
        pages=others,
        redirects=tuple(RedirectEntry(text, text) for text in texts),
        archive=ArchiveEntry(number, ""),
        files=tuple(FileEntry(text, number, 0, text, "") for text in texts),
    )
    assert index.to_bytes() == canonical_json(msgspec.to_builtins(index))
