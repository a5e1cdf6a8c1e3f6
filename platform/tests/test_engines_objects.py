"""The contract of the object engine. Another implementation is one parameter more in `objects`."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.platform.engines.keys import BadKey, Key, workspace_key
from sampan.platform.engines.objects import (
    CHUNK_BYTES,
    BadRange,
    LocalObjects,
    ObjectDiffers,
    ObjectMissing,
    Objects,
    ObjectTooLarge,
)

pytestmark = pytest.mark.anyio

KEY = workspace_key("demo", "files", "one")
LARGE = os.urandom(3 * CHUNK_BYTES + 17)


@pytest.fixture(params=["local"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    assert request.param == "local"
    return LocalObjects(tmp_path / "store")


async def collect(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


def all_below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def test_what_is_put_is_got(objects: Objects) -> None:
    await objects.put(KEY, b"first")
    await objects.put(KEY, b"second")
    assert await objects.get(KEY, 100) == b"second"
    assert await objects.size(KEY) == 6
    assert await objects.exists(KEY)


async def test_an_empty_object_is_an_object(objects: Objects) -> None:
    await objects.put(KEY, b"")
    assert await objects.get(KEY, 0) == b""
    assert await collect(objects.read(KEY)) == b""
    assert await objects.exists(KEY)


async def test_what_is_not_there_is_missing(objects: Objects) -> None:
    assert not await objects.exists(KEY)
    await objects.delete(KEY)
    with pytest.raises(ObjectMissing):
        await objects.get(KEY, 100)
    with pytest.raises(ObjectMissing):
        await objects.size(KEY)
    with pytest.raises(ObjectMissing):
        await collect(objects.read(KEY))


async def test_the_folder_of_an_object_is_no_object(objects: Objects) -> None:
    await objects.put(KEY, b"x")
    folder = workspace_key("demo", "files")
    assert not await objects.exists(folder)
    with pytest.raises(ObjectMissing):
        await objects.get(folder, 10)
    with pytest.raises(ObjectMissing):
        await objects.size(folder)


async def test_a_deleted_object_is_gone(objects: Objects) -> None:
    await objects.put(KEY, b"x")
    await objects.delete(KEY)
    assert not await objects.exists(KEY)
    await objects.put_new(KEY, b"other")
    assert await objects.get(KEY, 100) == b"other"


async def test_get_holds_no_more_than_the_caller_allows(objects: Objects) -> None:
    await objects.put(KEY, b"123456")
    assert await objects.get(KEY, 6) == b"123456"
    with pytest.raises(ObjectTooLarge):
        await objects.get(KEY, 5)


async def test_a_file_is_taken_in(objects: Objects, tmp_path: Path) -> None:
    for source in (tmp_path / "upload", objects.incoming / "upload"):
        source.write_bytes(LARGE)
        await objects.put_file(KEY, source)
        assert not source.exists()
        assert await objects.get(KEY, len(LARGE)) == LARGE
        await objects.delete(KEY)


async def test_put_new_writes_once(objects: Objects) -> None:
    await objects.put_new(KEY, b"same")
    await objects.put_new(KEY, b"same")
    with pytest.raises(ObjectDiffers):
        await objects.put_new(KEY, b"other")
    assert await objects.get(KEY, 100) == b"same"


async def test_put_new_file_writes_once_and_leaves_a_refused_file_alone(objects: Objects, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    for _ in range(2):
        source.write_bytes(LARGE)
        await objects.put_new_file(KEY, source)
        assert not source.exists()
    source.write_bytes(LARGE[:-1] + b"!")
    with pytest.raises(ObjectDiffers):
        await objects.put_new_file(KEY, source)
    assert source.exists()
    assert await objects.get(KEY, len(LARGE)) == LARGE


async def test_of_many_writers_of_one_new_object_one_wins(objects: Objects) -> None:
    writes = (objects.put_new(KEY, b"%d" % number) for number in range(20))
    results = await asyncio.gather(*writes, return_exceptions=True)
    winners = [number for number, result in enumerate(results) if result is None]
    assert len(winners) == 1
    assert all(isinstance(result, ObjectDiffers) for result in results if result is not None)
    assert await objects.get(KEY, 100) == b"%d" % winners[0]


async def test_ranges(objects: Objects) -> None:
    await objects.put(KEY, LARGE)
    size = len(LARGE)
    for start, end in [
        (0, 1),
        (0, size),
        (5, 5),
        (size, size),
        (CHUNK_BYTES - 1, CHUNK_BYTES + 1),
        (7, size - 3),
    ]:
        assert await collect(objects.read(KEY, start, end)) == LARGE[start:end]
    assert await collect(objects.read(KEY, 10)) == LARGE[10:]
    assert max([len(chunk) async for chunk in objects.read(KEY)]) <= CHUNK_BYTES


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (0, 7), (7, None), (0, -1)])
async def test_a_range_outside_is_refused(objects: Objects, start: int, end: int | None) -> None:
    await objects.put(KEY, b"123456")
    with pytest.raises(BadRange):
        await collect(objects.read(KEY, start, end))


async def test_a_reader_keeps_the_bytes_it_began_with(objects: Objects) -> None:
    await objects.put(KEY, LARGE)
    reader = objects.read(KEY)
    begun = await anext(reader)
    await objects.put(KEY, b"replaced")
    assert begun + await collect(reader) == LARGE


async def test_keys_lists_whole_parts_of_one_workspace(objects: Objects) -> None:
    ours = {workspace_key("demo", "a", "1"), workspace_key("demo", "a", "b", "2")}
    others = {workspace_key("demo", "ab", "3"), workspace_key("other", "a", "1")}
    for key in ours | others:
        await objects.put(key, b"x")
    assert {key async for key in objects.keys(workspace_key("demo", "a"))} == ours
    assert [key async for key in objects.keys(workspace_key("demo", "none"))] == []


@pytest.mark.parametrize(
    "text", ["../outside", "w/demo/../../outside", "/etc/outside", "w/demo/a/./b", "w/demo/.incoming/x"]
)
async def test_only_keys_are_accepted(objects: Objects, text: str, tmp_path: Path) -> None:
    before = all_below(tmp_path)
    for call in (objects.put(Key(text), b"x"), objects.get(Key(text), 10), objects.delete(Key(text))):
        with pytest.raises(BadKey):
            await call
    with pytest.raises(BadKey):
        await collect(objects.read(Key(text)))
    assert all_below(tmp_path) == before


@given(
    data=st.binary(max_size=2000),
    cuts=st.tuples(st.integers(0, 2000), st.integers(0, 2000)),
    names=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), min_size=1, max_size=3),
)
@settings(max_examples=100)
def test_any_name_and_range(objects: Objects, data: bytes, cuts: tuple[int, int], names: list[str]) -> None:
    try:
        key = workspace_key("demo", "random", *names, "object")
    except BadKey:
        return

    async def check() -> None:
        await objects.put(key, data)
        start, end = sorted(min(cut, len(data)) for cut in cuts)
        assert await collect(objects.read(key, start, end)) == data[start:end]
        assert key in {found async for found in objects.keys(workspace_key("demo", "random"))}
        await objects.delete(key)

    asyncio.run(check())
