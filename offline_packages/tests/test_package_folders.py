"""What a folder may hold to be packed, what is left out, and what a refusal leaves behind."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from zip_forge import good_files

from sampan.offline_packages import NewApp, PackageRefused, Policy, intake, pack
from sampan.offline_packages.refusals import OutputDiffers

NEW_APP = NewApp(app_id="com.example.shop", version_name="1.0.0", sequence=1)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    for name, content in good_files().items():
        target = folder / name.decode()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def refusal_of(folder: Path, out: Path, **options: Any) -> PackageRefused:
    with pytest.raises(PackageRefused) as refusal:
        pack(folder, out, **options)
    assert not out.exists() or list(out.iterdir()) == []
    return refusal.value


def test_what_is_left_out_is_said(app: Path, out: Path) -> None:
    (app / ".env").write_text("TOKEN=1")
    (app / "pages" / ".DS_Store").write_text("x")
    (app / ".git").mkdir()
    (app / ".git" / "HEAD").write_text("x")
    (app / "Thumbs.db").write_text("x")
    (app / ".well-known").mkdir()
    (app / ".well-known" / "security.txt").write_text("x")
    packed = pack(app, out)
    assert packed.skipped == (".env", ".git/", "Thumbs.db", "pages/.DS_Store")
    assert packed.index.file(".well-known/security.txt") is not None
    assert packed.added == ()


def test_the_output_folder_inside_the_app_is_left_out(app: Path) -> None:
    first = pack(app, app / "out")
    second = pack(app, app / "out")
    assert second.digest == first.digest
    assert second.skipped == ("out/",)


def test_another_sequence_rewrites_the_manifest_alone(app: Path, out: Path) -> None:
    packed = pack(app, out, sequence=42)
    assert packed.index.sequence == 42
    assert (packed.added, packed.replaced) == ((), ("manifest.json",))
    before = json.loads((app / "manifest.json").read_bytes())
    accepted = intake(packed.archive_path, out / "again.ma")
    assert accepted.manifest.sequence == 42
    assert before["version"]["code"] == 1


def test_another_version_name_rewrites_the_manifest_too(app: Path, out: Path) -> None:
    packed = pack(app, out, version_name="9.8.7")
    assert (packed.index.version, packed.index.sequence, packed.replaced) == ("9.8.7", 1, ("manifest.json",))
    assert packed.archive_path.name.endswith("-9.8.7.ma")


def test_a_version_is_built_again_and_another_sequence_is_not_overwritten_unawares(app: Path, out: Path) -> None:
    first = pack(app, out, overwrite=False)
    assert not first.has_rebuilt
    assert not pack(app, out, overwrite=False).has_rebuilt
    (app / "app.css").write_text("body { margin: 1px }")
    second = pack(app, out, overwrite=False)
    assert second.has_rebuilt
    assert second.digest != first.digest
    kept = second.archive_path.read_bytes(), second.index_path.read_bytes()
    with pytest.raises(OutputDiffers):
        pack(app, out, sequence=2, overwrite=False)
    assert (second.archive_path.read_bytes(), second.index_path.read_bytes()) == kept
    assert len(list(out.iterdir())) == 2
    assert pack(app, out, sequence=2).index.sequence == 2


@pytest.mark.parametrize("index", [None, b"{}"])
def test_a_package_without_a_readable_index_is_not_overwritten_unawares(
    app: Path, out: Path, index: bytes | None
) -> None:
    first = pack(app, out)
    first.index_path.unlink()
    if index is not None:
        first.index_path.write_bytes(index)
    with pytest.raises(OutputDiffers):
        pack(app, out, overwrite=False)
    assert pack(app, out).has_rebuilt


def test_times_and_modes_leave_no_trace(app: Path, out: Path) -> None:
    first = pack(app, out / "1")
    for path in app.rglob("*"):
        os.utime(path, (10**9, 10**9))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    assert pack(app, out / "2").digest == first.digest


def test_the_file_is_readable_as_the_umask_says(app: Path, out: Path) -> None:
    packed = pack(app, out)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(packed.archive_path.stat().st_mode) == 0o666 & ~mask


def test_a_link_is_refused(app: Path, out: Path) -> None:
    (app / "link.js").symlink_to("/etc/passwd")
    assert refusal_of(app, out).code == "path_not_a_file"


def test_a_link_to_a_folder_is_refused(app: Path, out: Path) -> None:
    (app / "link").symlink_to(app / "pages", target_is_directory=True)
    assert refusal_of(app, out).code == "path_not_a_file"


def test_a_pipe_is_refused(app: Path, out: Path) -> None:
    os.mkfifo(app / "pipe")
    assert refusal_of(app, out).code == "path_not_a_file"


def test_a_name_that_is_not_utf8_is_refused(app: Path, out: Path) -> None:
    Path(os.fsdecode(os.fsencode(app) + b"/\xff.txt")).write_text("x")
    assert refusal_of(app, out).code == "path_not_utf8"


def test_the_rules_of_intake_hold_before_the_upload(app: Path, out: Path) -> None:
    (app / "picture.png").write_bytes(b"no picture")
    assert refusal_of(app, out).code == "type_contradiction"
    (app / "picture.png").rename(app / "ab:c.txt")
    assert refusal_of(app, out).code == "path_character"


def test_a_folder_over_policy_is_refused_with_its_largest_files(app: Path, out: Path) -> None:
    (app / "big.bin").write_bytes(b"x" * 5000)
    refusal = refusal_of(app, out, policy=Policy(max_package_bytes=4000))
    assert refusal.code == "size_package"
    assert refusal.facts["files"][0] == {"path": "big.bin", "size": 5000}
    assert refusal_of(app, out, policy=Policy(max_file_bytes=4000)).code == "size_file"
    assert refusal_of(app, out, policy=Policy(max_files=3)).code == "size_count"


def test_a_folder_that_is_no_app_is_refused(tmp_path: Path, out: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert refusal_of(empty, out, new_app=NEW_APP).code == "folder_not_packable"
    (empty / "index.html").write_text("<p>")
    assert refusal_of(empty, out).code == "folder_needs_app_id"
    (empty / "manifest.json").write_text('{"name":"x","start_url":"/"}')
    assert refusal_of(empty, out, new_app=NEW_APP).code == "manifest_foreign"


def test_a_new_app_takes_an_icon_and_its_permissions_along(tmp_path: Path, out: Path) -> None:
    build = tmp_path / "build"
    build.mkdir()
    for name in ("index.html", "logo.svg", "favicon-32.png"):
        (build / name).write_bytes(b"\x89PNG\r\n\x1a\n" if name.endswith("png") else b"<svg/>")
    new_app = NewApp(
        app_id="com.example.shop",
        version_name="2.0.0",
        sequence=3,
        name="Shop",
        min_host=4,
        bridge=("pay", "login"),
        vendor={"network": ["api.example.com"]},
    )
    packed = pack(build, out, new_app=new_app)
    assert packed.manifest.icons[0].src == "favicon-32.png"
    assert packed.index.permissions.bridge == ("login", "pay")
    assert packed.index.permissions.network == ("api.example.com",)
    assert (packed.index.min_host, packed.manifest.name) == (4, "Shop")


def test_a_file_that_changes_while_it_is_packed_is_found(app: Path, out: Path) -> None:
    def change(done: int, total: int) -> None:
        if 2 * done == total:  # all is measured, nothing is written
            (app / "pages" / "home.html").write_text("<p>changed")

    with pytest.raises(PackageRefused) as refusal:
        pack(app, out, progress=change)
    assert refusal.value.code == "folder_changed"
    assert list(out.iterdir()) == []
