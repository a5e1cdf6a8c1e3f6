"""A folder becomes a package, the package is taken in, and both sides hold the same bytes."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from sampan.offline_packages import (
    NewApp,
    PackageReader,
    PackageRefused,
    Packed,
    intake,
    pack,
    parse_index,
    verify_archive,
)

NEW_APP = NewApp(app_id="com.example.shop", version_name="1.2.0", sequence=7)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A plain H5 build as a bundler leaves it."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Shop</title>")
    (folder / "assets" / "index-4f3a.js").write_text("console.log('shop')\n")
    (folder / "favicon.ico").write_bytes(b"\x00\x00\x01\x00rest")
    (folder / ".DS_Store").write_bytes(b"x")
    return folder


@pytest.fixture
def packed(build: Path, tmp_path: Path) -> Packed:
    return pack(build, tmp_path / "out", new_app=NEW_APP)


def test_a_plain_build_is_packed_unchanged_and_gains_what_the_form_needs(build: Path, packed: Packed) -> None:
    assert packed.archive_path.name == "com.example.shop-1.2.0.ma"
    assert packed.index_path.name == "com.example.shop-1.2.0.index.json"
    assert packed.added == ("manifest.json", "app.js", "app.css")
    assert packed.skipped == (".DS_Store",)
    assert packed.index.pages == ("index",)
    with PackageReader(packed.index, packed.archive_path) as reader:
        for path in ("index.html", "assets/index-4f3a.js", "favicon.ico"):
            assert reader.read(path) == (build / path).read_bytes()
        assert reader.read("app.css") == b""


def test_other_zip_readers_accept_the_archive(packed: Packed) -> None:
    subprocess.run(["unzip", "-tqq", str(packed.archive_path)], check=True)
    with zipfile.ZipFile(packed.archive_path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [entry.path for entry in packed.index.files]


def test_intake_of_the_canonical_archive_gives_the_same_archive_and_digest(packed: Packed, tmp_path: Path) -> None:
    accepted = intake(packed.archive_path, tmp_path / "accepted.ma")
    assert accepted.digest == packed.digest
    assert accepted.index_bytes == packed.index_path.read_bytes()
    assert accepted.archive_path.read_bytes() == packed.archive_path.read_bytes()


def test_intake_of_a_deflated_upload_in_any_order_gives_the_same_archive(packed: Packed, tmp_path: Path) -> None:
    upload = tmp_path / "upload.zip"
    with zipfile.ZipFile(packed.archive_path) as source, zipfile.ZipFile(upload, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("assets/", b"")
        for name in reversed(source.namelist()):
            out.writestr(name, source.read(name))
    accepted = intake(upload, tmp_path / "accepted.ma")
    assert accepted.digest == packed.digest
    assert accepted.archive_path.read_bytes() == packed.archive_path.read_bytes()
    assert accepted.report.skipped_folders == ("assets/",)


def test_the_index_is_read_back_and_fits_the_archive(packed: Packed) -> None:
    index = parse_index(packed.index_bytes)
    assert index == packed.index
    verify_archive(index, packed.archive_path)


def test_another_spelling_of_the_index_is_refused(packed: Packed) -> None:
    with pytest.raises(PackageRefused) as refusal:
        parse_index(packed.index_bytes + b"\n")
    assert refusal.value.code == "index_not_canonical"


def test_one_changed_byte_in_the_archive_is_found(packed: Packed) -> None:
    changed = bytearray(packed.archive_path.read_bytes())
    changed[100] ^= 1
    packed.archive_path.write_bytes(changed)
    with pytest.raises(PackageRefused) as refusal:
        verify_archive(packed.index, packed.archive_path)
    assert refusal.value.code == "archive_mismatch"


def test_progress_ends_at_the_whole(build: Path, packed: Packed, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    pack(build, tmp_path / "again", new_app=NEW_APP, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == 2 * packed.index.total_bytes
    seen.clear()
    intake(packed.archive_path, tmp_path / "x.ma", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (packed.index.total_bytes, packed.index.total_bytes)
