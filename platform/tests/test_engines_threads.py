"""Threads and files when the task that waits for them is cancelled. A lost file warns, and warnings are errors."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Coroutine
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from sampan.platform.artifacts import quarantine, storage
from sampan.platform.artifacts.console_versions import Attachment
from sampan.platform.engines import objects as objects_engine
from sampan.platform.engines.keys import workspace_key
from sampan.platform.engines.objects import CHUNK_BYTES, LocalObjects, ObjectMissing
from sampan.platform.engines.threads import opened
from sampan.platform.trust import encodings, static_files

pytestmark = pytest.mark.anyio

KEY = workspace_key("demo", "files", "one")
LARGE = b"sampan" * CHUNK_BYTES


class Door:
    """Opens a file in a thread, but only when the test says so; it remembers what it opened."""

    def __init__(self) -> None:
        self.is_reached, self.may_open = threading.Event(), threading.Event()
        self.files: list[FileIO] = []

    def open(self, path: Path, mode: str = "rb") -> FileIO:
        self.is_reached.set()
        assert self.may_open.wait(60)
        self.files.append(FileIO(path, mode))
        return self.files[-1]

    async def cancelled_inside(self, work: Coroutine[Any, Any, object], *, times: int = 1) -> None:
        """Cancel a task while its thread opens a file; the task must end cancelled, with the file closed."""
        task = asyncio.ensure_future(work)
        await asyncio.to_thread(self.is_reached.wait, 60)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        self.may_open.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [file.closed for file in self.files] == [True]
        gc.collect()


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(LARGE)
    return path


@pytest.mark.parametrize("times", [1, 3])
async def test_a_file_opened_for_nobody_is_closed(door: Door, path: Path, times: int) -> None:
    async def use() -> None:
        async with opened(door.open, path):
            raise AssertionError("nobody is there to use it")

    await door.cancelled_inside(use(), times=times)


async def test_cancelling_all_tasks_loses_no_file_either(door: Door, path: Path) -> None:
    before = asyncio.all_tasks()

    async def use() -> None:
        async with opened(door.open, path):
            raise AssertionError("nobody is there to use it")

    asyncio.get_running_loop().create_task(use())
    await asyncio.to_thread(door.is_reached.wait, 60)
    ours = asyncio.all_tasks() - before
    for task in ours:
        task.cancel()
    await asyncio.sleep(0)
    door.may_open.set()
    answers = await asyncio.gather(*ours, return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError]
    assert [file.closed for file in door.files] == [True]


async def test_a_file_is_closed_after_use_and_after_an_error(door: Door, path: Path) -> None:
    door.may_open.set()
    async with opened(door.open, path) as file:
        assert not file.closed
    with pytest.raises(ZeroDivisionError):
        async with opened(door.open, path):
            raise ZeroDivisionError
    assert [file.closed for file in door.files] == [True, True]


async def test_what_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with opened((tmp_path / "none").open, "rb"):
            raise AssertionError("there is no file")


@pytest.fixture
async def objects(tmp_path: Path) -> LocalObjects:
    objects = LocalObjects(tmp_path / "store")
    await objects.put(KEY, LARGE)
    return objects


async def test_an_object_whose_reader_is_cancelled_is_closed(
    door: Door, objects: LocalObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_engine, "_open", lambda path, _key: (door.open(path), len(LARGE)))
    await door.cancelled_inside(anext(objects.read(KEY)))


async def chunks(stop: asyncio.Event) -> AsyncIterator[bytes]:
    yield b"first"
    await stop.wait()


async def test_an_upload_that_is_cancelled_closes_its_file(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "open", lambda path, mode, *_: door.open(path, mode))
    await door.cancelled_inside(quarantine._write(tmp_path / "upload", chunks(asyncio.Event()), 10))


async def test_a_compression_that_is_cancelled_closes_its_files(
    door: Door, objects: LocalObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "open", lambda path, mode, *_: door.open(path, mode))
    await door.cancelled_inside(encodings._write(tmp_path / "copy", objects.read(KEY)))


async def test_a_copy_that_is_cancelled_closes_its_file_and_leaves_none_behind(
    door: Door, objects: LocalObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "open", lambda path, mode, *_: door.open(path, mode))
    monkeypatch.setattr(objects, "local_path", lambda _key: None)
    await door.cancelled_inside(storage._borrow(objects, KEY))
    assert list(objects.incoming.iterdir()) == []


async def test_a_borrowed_object_is_a_file_of_our_own_wherever_it_lies(
    objects: LocalObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    for local_path in (objects.local_path, lambda _key: None):
        monkeypatch.setattr(objects, "local_path", local_path)
        path = await storage._borrow(objects, KEY)
        assert path.read_bytes() == LARGE
        await storage.close_archive(path)
        with pytest.raises(ObjectMissing):
            await storage._borrow(objects, workspace_key("demo", "none"))
    assert list(objects.incoming.iterdir()) == []


class Gone(Exception):
    """The client went away."""


async def send_until_the_first_bytes(message: Message) -> None:
    if message.get("body"):
        raise Gone


async def test_an_answer_whose_client_is_gone_closes_its_file(
    door: Door, objects: LocalObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.may_open.set()
    monkeypatch.setattr(objects_engine, "_open", lambda path, _key: (door.open(path), len(LARGE)))
    for number, send in enumerate((_send_file, _send_archive), 1):
        # Nothing else would close it: the generator is held here.
        reading = objects.read(KEY)
        with pytest.raises(Gone):
            await send(reading)
        assert [file.closed for file in door.files] == [True] * number


async def _send_file(reading: Any) -> None:
    await static_files._stream(send_until_the_first_bytes, 200, [], reading)


async def _send_archive(reading: Any) -> None:
    await Attachment(reading).stream_response(send_until_the_first_bytes)
