"""Packages of the kind `native`: any bytes, nothing that a container would enforce, and only for who says so."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sampan.offline_packages import PackageReader, PackageRefused, Policy, check_package, intake, pack, scan_secrets
from sampan.offline_packages.manifest import Kind

LIBRARY = b"\x7fELF\x02\x01\x01" + bytes(4000)
BLOBS = {"lib/arm64-v8a/libpay.so": LIBRARY, "classes.dex": b"dex\n035\0" + bytes(100), "logo.png": b"MZ" + bytes(80)}


def manifest(kind: str = "native", **changes: Any) -> dict[str, Any]:
    found = {
        "app_id": "com.example.fix",
        "name": "Fix",
        "icons": [],
        "version": {"code": 1, "name": "1.0.0"},
        "platform_version": {"min_code": 1},
        "x-sampan": {"kind": kind},
    }
    return {**found, **changes}


def folder_of(tmp_path: Path, told: dict[str, Any], blobs: dict[str, bytes]) -> Path:
    for name, data in {**blobs, "manifest.json": json.dumps(told).encode()}.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "source"


def uploaded(tmp_path: Path, told: dict[str, Any], blobs: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(tmp_path / "upload.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in {**blobs, "manifest.json": json.dumps(told).encode()}.items():
            made.writestr(name, data)
    return tmp_path / "upload.zip"


def test_any_bytes_are_packed_taken_in_and_found_good(tmp_path: Path) -> None:
    packed = pack(folder_of(tmp_path, manifest(), BLOBS), tmp_path / "out")
    accepted = intake(packed.archive_path, tmp_path / "package.ma")
    assert (accepted.digest, accepted.index.kind) == (packed.digest, Kind.NATIVE)
    with PackageReader(accepted.index, accepted.archive_path) as reader:
        assert check_package(reader, accepted.manifest) + scan_secrets(reader) == []
        assert reader.read("classes.dex") == BLOBS["classes.dex"]


@pytest.mark.parametrize("kind", ["miniapp", "shared"])
def test_programs_are_refused_in_every_other_kind(kind: str, tmp_path: Path) -> None:
    told = manifest(kind, pages=["index"] if kind == "miniapp" else [])
    blobs = {**BLOBS, "index.html": b"<p>", "app.js": b"", "app.css": b""}
    for refused in (
        lambda: intake(uploaded(tmp_path, told, blobs), tmp_path / "package.ma"),
        lambda: pack(folder_of(tmp_path, told, blobs), tmp_path / "out"),
    ):
        with pytest.raises(PackageRefused) as refusal:
            refused()
        assert refusal.value.code == "type_executable"
    assert not (tmp_path / "package.ma").exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pages": ["index"]}, "pages"),
        ({"req_permissions": [{"name": "pay"}]}, "req_permissions"),
        ({"widgets": []}, "widgets"),
        ({"x-sampan": {"kind": "native", "network": ["api.example.com"]}}, "x-sampan.network"),
        ({"x-sampan": {"kind": "native", "dependencies": []}}, "x-sampan.dependencies"),
    ],
)
def test_what_a_container_would_enforce_is_not_promised(changes: dict[str, Any], field: str, tmp_path: Path) -> None:
    with pytest.raises(PackageRefused) as refusal:
        intake(uploaded(tmp_path, manifest(**changes), BLOBS), tmp_path / "package.ma")
    assert [each["field"] for each in refusal.value.facts["problems"]] == [field]


def test_limits_and_paths_hold_for_blobs_too(tmp_path: Path) -> None:
    upload = uploaded(tmp_path, manifest(), BLOBS)
    with pytest.raises(PackageRefused) as refusal:
        intake(upload, tmp_path / "package.ma", Policy(max_file_bytes=1000))
    assert refusal.value.code == "size_file"
    with pytest.raises(PackageRefused) as refusal:
        intake(uploaded(tmp_path, manifest(), {"../out.so": LIBRARY}), tmp_path / "package.ma")
    assert refusal.value.code == "path_escapes"


def test_texts_among_the_blobs_are_searched_for_secrets(tmp_path: Path) -> None:
    key = "-----BEGIN " + "PRIVATE KEY-----"
    blobs = {"config.txt": key.encode(), "lib.so": LIBRARY + key.encode()}
    accepted = intake(uploaded(tmp_path, manifest(), blobs), tmp_path / "package.ma")
    with PackageReader(accepted.index, accepted.archive_path) as reader:
        assert [(each.code, each.file) for each in scan_secrets(reader)] == [("secret_private_key", "config.txt")]


def test_a_manifest_that_is_no_json_excuses_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "upload.zip", "w") as made:
        made.writestr("a.so", LIBRARY)
        made.writestr("manifest.json", b'{"x-sampan": {"kind": "native"}')
    with pytest.raises(PackageRefused) as refusal:
        intake(tmp_path / "upload.zip", tmp_path / "package.ma")
    assert refusal.value.code == "type_executable"
