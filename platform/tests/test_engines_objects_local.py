"""What local files promise beyond the contract: crashes, a full disk, a failing fsync, modes, links."""

import asyncio
import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sampan.platform.engines.database import StorageFull
from sampan.platform.engines.keys import workspace_key
from sampan.platform.engines.objects import EXIT_FSYNC_FAILED, KeyTaken, LocalObjects

pytestmark = pytest.mark.anyio

KEY = workspace_key("demo", "files", "one")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def objects(root: Path) -> LocalObjects:
    return LocalObjects(root)


def files_below(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())


def modes(root: Path) -> set[tuple[str, int]]:
    return {
        ("folder" if path.is_dir() else "file", stat.S_IMODE(path.stat().st_mode)) for path in [root, *root.rglob("*")]
    }


async def test_only_the_server_may_look(objects: LocalObjects, root: Path, tmp_path: Path) -> None:
    await objects.put(KEY, b"x")
    source = tmp_path / "upload"
    source.write_bytes(b"y")
    source.chmod(0o644)
    await objects.put_file(workspace_key("demo", "files", "two"), source)
    assert modes(root) == {("file", 0o600), ("folder", 0o700)}


async def test_a_server_may_read_the_file_itself(objects: LocalObjects) -> None:
    await objects.put(KEY, b"bytes")
    path = objects.local_path(KEY)
    assert path is not None
    assert path.read_bytes() == b"bytes"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync", "link", "mkdir"])
async def test_a_full_disk_is_named_and_changes_nothing(
    objects: LocalObjects, root: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    await objects.put(KEY, b"old")

    def no_room(*_: object, **__: object) -> None:
        raise OSError(code, "no room")

    monkeypatch.setattr(os, call, no_room)
    elsewhere = workspace_key("demo", "elsewhere", "two")
    put = objects.put_new(elsewhere, b"new") if call in {"link", "mkdir"} else objects.put(KEY, b"new")
    with pytest.raises(StorageFull):
        await put
    monkeypatch.undo()
    assert files_below(root) == [KEY]
    assert await objects.get(KEY, 10) == b"old"


async def test_a_write_that_stops_half_way_goes_on(objects: LocalObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    await objects.put(KEY, b"0123456789")
    monkeypatch.undo()
    assert await objects.get(KEY, 100) == b"0123456789"


@pytest.mark.parametrize("failing_call", [1, 2, 3, 4])
async def test_a_failed_fsync_of_file_or_folder_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    problems: list[OSError] = []
    objects = LocalObjects(root, on_fsync_failure=problems.append)
    calls = 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing_call:
            raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="input/output"):
        await objects.put(KEY, b"x")
    assert [problem.errno for problem in problems] == [errno.EIO]


async def test_each_put_syncs_the_file_and_every_new_folder(
    objects: LocalObjects, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watch_path(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(root)
        synced.append("file" if path.parts[:1] == (".incoming",) else path.as_posix())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch_path)
    await objects.put(KEY, b"x")
    assert synced == ["file", ".", "w", "w/demo", "w/demo/files"]
    synced.clear()
    await objects.put(KEY, b"y")
    assert synced == ["file", "w/demo/files"]


def test_by_default_a_failed_fsync_ends_the_process(root: Path) -> None:
    script = f"""
import asyncio, errno, os, pathlib
from sampan.platform.engines.keys import workspace_key
from sampan.platform.engines.objects import LocalObjects
def fail(_):
    raise OSError(errno.EIO, "input/output error")
os.fsync = fail
asyncio.run(LocalObjects(pathlib.Path({str(root)!r})).put(workspace_key("demo", "x"), b"x"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_FSYNC_FAILED
    assert "fsync failed" in done.stderr


def test_a_kill_before_the_last_step_leaves_the_old_object_and_one_leftover(root: Path) -> None:
    script = f"""
import asyncio, os, pathlib
from sampan.platform.engines.keys import workspace_key
from sampan.platform.engines.objects import LocalObjects
objects = LocalObjects(pathlib.Path({str(root)!r}))
key = workspace_key("demo", "files", "one")
asyncio.run(objects.put(key, b"old"))
pathlib.Path.replace = lambda *_: os.kill(os.getpid(), 9)
asyncio.run(objects.put(key, b"new"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -9
    assert len(files_below(root)) == 2
    objects = LocalObjects(root)
    assert objects.sweep() == 1
    assert files_below(root) == [KEY]
    assert asyncio.run(objects.get(KEY, 10)) == b"old"


async def test_sweep_removes_folders_and_links_but_not_what_they_point_to(
    objects: LocalObjects, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_bytes(b"x")
    (objects.incoming / "link").symlink_to(precious)
    (objects.incoming / "folder").mkdir()
    (objects.incoming / "folder" / "file").write_bytes(b"x")
    assert objects.sweep() == 2
    assert (precious / "file").exists()
    assert list(objects.incoming.iterdir()) == []


async def test_a_link_is_never_taken_in_or_followed(objects: LocalObjects, root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "upload").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        await objects.put_file(KEY, tmp_path / "upload")
    (root / "w" / "demo").mkdir(parents=True)
    (root / "w" / "demo" / "planted").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        await objects.get(workspace_key("demo", "planted"), 100)
    assert not await objects.exists(workspace_key("demo", "planted"))


async def test_a_file_from_another_disk_is_copied(
    objects: LocalObjects, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "upload"
    source.write_bytes(b"from afar")

    def other_disk(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    await objects.put_file(KEY, source)
    assert await objects.get(KEY, 100) == b"from afar"
    assert files_below(root) == [KEY]
    assert not source.exists()


async def test_a_name_is_not_both_object_and_folder(objects: LocalObjects) -> None:
    await objects.put(KEY, b"x")
    with pytest.raises(KeyTaken):
        await objects.put(workspace_key("demo", "files", "one", "below"), b"x")
    for put in (objects.put, objects.put_new):
        with pytest.raises(KeyTaken):
            await put(workspace_key("demo", "files"), b"x")


async def test_a_cancelled_put_ends_before_its_caller_goes_on(
    objects: LocalObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        begun.set()
        go_on.wait(10)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    task = asyncio.create_task(objects.put(KEY, b"x"))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.wait([task], timeout=0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await objects.exists(KEY)
