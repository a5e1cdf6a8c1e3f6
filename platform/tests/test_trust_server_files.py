"""The static surface of the trees: names, conditions, ranges, caching, and what is not there."""

import asyncio
import gzip
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest
from sqlalchemy import event

from sampan.platform.core import Core
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.testing_trust import APP, HOUR_MS, Clock, Parties, package_of
from sampan.platform.trust import service
from sampan.platform.trust.component import component
from sampan.platform.trust.encodings import Encodings, compress, encoded_key
from sampan.platform.trust.publisher import publish_tree
from sampan.platform.trust.static_files import TrustFiles

pytestmark = pytest.mark.anyio
TREE = f"/trust/{WORKSPACE}/intl"
INDEX, PACKAGE, _ = package_of(APP, 1)
PACKAGE_SHA = hashlib.sha256(PACKAGE).hexdigest()
INDEX_SHA = hashlib.sha256(INDEX).hexdigest()
PACKAGE_URL = f"{TREE}/targets/apps/{APP}/1/{PACKAGE_SHA}.package.ma"
INDEX_URL = f"{TREE}/targets/apps/{APP}/1/{INDEX_SHA}.index.json"
PART = PACKAGE[100:180]
PART_SHA = hashlib.sha256(PART).hexdigest()
FILE_URL = f"{TREE}/files/{PART_SHA}"


FILES = [
    (PACKAGE_URL, PACKAGE, "application/zip"),
    (INDEX_URL, INDEX, "application/json"),
    (FILE_URL, PART, "application/octet-stream"),
]
ABSENT = [
    f"{TREE}/metadata/2.root.json",
    f"{TREE}/metadata/root.json",
    f"{TREE}/metadata/0.root.json",
    f"{TREE}/metadata/01.root.json",
    f"{TREE}/metadata/..%2f..%2fmaster.key",
    f"{TREE}/metadata/",
    f"{TREE}/targets/apps/{APP}/1/package.ma",
    f"{TREE}/targets/{PACKAGE_SHA}.package.ma",
    f"{TREE}/targets/apps/{APP}/1/{'0' * 64}.package.ma",
    f"{TREE}/targets/apps/{APP}/1/{PACKAGE_SHA}.page.html/x",
    f"{TREE}/files/{PACKAGE_SHA}",
    f"{TREE}/files/{PART_SHA.upper()}",
    f"/trust/{OTHER_WORKSPACE}/intl/files/{PART_SHA}",
    f"/trust/{OTHER_WORKSPACE}/intl/metadata/1.root.json",
    f"/trust/{OTHER_WORKSPACE}/intl/targets/apps/{APP}/1/{PACKAGE_SHA}.package.ma",
    f"/trust/{WORKSPACE}/trial/metadata/1.root.json",
    f"/trust/{WORKSPACE}/gm/metadata/1.root.json",
    "/trust/nobody/intl/metadata/timestamp.json",
    "/trust/",
]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def core(tmp_path: Path, clock: Clock) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=[component], now_ms=clock) as core:
        parties = Parties(core)
        await parties.start("intl")
        await parties.delegate()
        await parties.publish(1)
        async with core.store.workspace(WORKSPACE).write() as tx:
            file = service.ArchiveFile(PART_SHA, 100, len(PART))
            for _ in range(2):
                await service.register_files(tx, PACKAGE_SHA, [file], now_ms=clock.now_ms)
        await publish_tree(core, WORKSPACE, "intl")
        await core.replica.poll()
        yield core


@pytest.fixture
async def http(core: Core) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(core) as http:
        yield http


async def test_what_never_changes(http: httpx2.AsyncClient) -> None:
    for url, body, media_type in FILES:
        await _check_unchanging(http, url, body, media_type)


async def _check_unchanging(http: httpx2.AsyncClient, url: str, body: bytes, media_type: str) -> None:
    answer = await http.get(url)
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["etag"] == f'"{hashlib.sha256(body).hexdigest()}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    again = await http.get(url, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    head = await http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(body))


async def test_ranges(http: httpx2.AsyncClient) -> None:
    for url, whole, _ in FILES:
        await _check_ranges(http, url, whole)


async def _check_ranges(http: httpx2.AsyncClient, url: str, whole: bytes) -> None:
    size = len(whole)
    for value, part in (("bytes=0-9", whole[:10]), ("bytes=5-", whole[5:]), ("bytes=-7", whole[-7:])):
        answer = await http.get(url, headers={"range": value})
        assert (answer.status_code, answer.content) == (206, part)
        start = whole.index(part) if value != "bytes=-7" else size - 7
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{size}"
    outside = await http.get(url, headers={"range": f"bytes={size}-"})
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{size}")
    both = await http.get(url, headers={"range": "bytes=0-1,3-4"})
    assert (both.status_code, both.content) == (200, whole)


async def test_a_range_of_what_changed_meanwhile_is_the_whole(http: httpx2.AsyncClient) -> None:
    etag = (await http.head(PACKAGE_URL)).headers["etag"]
    ranged = {"range": "bytes=1-2"}
    assert (await http.get(PACKAGE_URL, headers=ranged | {"if-range": etag})).status_code == 206
    assert (await http.get(PACKAGE_URL, headers=ranged | {"if-range": '"other"'})).status_code == 200


async def test_the_timestamp_is_always_asked_for_and_new_at_once(
    core: Core, http: httpx2.AsyncClient, clock: Clock
) -> None:
    first = await http.get(f"{TREE}/metadata/timestamp.json")
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-cache"
    same = await http.get(f"{TREE}/metadata/timestamp.json", headers={"if-none-match": first.headers["etag"]})
    assert same.status_code == 304
    clock.now_ms += HOUR_MS
    await publish_tree(core, WORKSPACE, "intl")  # or the job in the background was faster
    second = await http.get(f"{TREE}/metadata/timestamp.json", headers={"if-none-match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.json()["signed"]["version"] == first.json()["signed"]["version"] + 1


async def test_metadata_by_version(http: httpx2.AsyncClient) -> None:
    for name in ("1.root.json", "2.targets.json", "1.control.json", f"1.app.{APP}.json", "1.snapshot.json"):
        answer = await http.get(f"{TREE}/metadata/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["cache-control"].endswith("immutable")
        assert f"{answer.json()['signed']['version']}." == name[:2]


async def test_what_is_not_there_is_a_real_404(http: httpx2.AsyncClient) -> None:
    for path in ABSENT:
        answer = await http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path
        assert answer.headers["cache-control"] == "no-store"


async def test_a_file_of_a_publisher_is_never_a_page(http: httpx2.AsyncClient) -> None:
    answer = await http.get(f"{TREE}/targets/apps/{APP}/1/{PACKAGE_SHA}.page.html")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_other_methods_are_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.post(PACKAGE_URL, content=b"x")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_nothing_of_this_reads_the_database(core: Core, http: httpx2.AsyncClient) -> None:
    def refuse(*_arguments: Any) -> NoReturn:
        raise AssertionError("a file was answered from SQL")

    for engine in core.store.database.engines:
        event.listen(engine, "before_cursor_execute", refuse)
    try:
        for url in (
            PACKAGE_URL,
            INDEX_URL,
            FILE_URL,
            f"{TREE}/metadata/timestamp.json",
            f"{TREE}/metadata/9.root.json",
        ):
            assert (await http.get(url)).status_code in {200, 404}
    finally:
        for engine in core.store.database.engines:
            event.remove(engine, "before_cursor_execute", refuse)


async def test_a_client_that_stops_taking_stops_the_reading(core: Core) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            raise OSError("the client is gone")

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": PACKAGE_URL, "headers": []}
    with pytest.raises(OSError, match="gone"):
        await TrustFiles(core)(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def test_a_package_travels_compressed_once_its_copy_is_made(core: Core, http: httpx2.AsyncClient) -> None:
    plain = await http.get(PACKAGE_URL, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    await compress(core, WORKSPACE, PACKAGE_SHA)
    answer = await http.get(PACKAGE_URL, headers={"accept-encoding": "gzip"})
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "accept-encoding")
    assert int(answer.headers["content-length"]) < len(PACKAGE) // 10
    assert answer.content == PACKAGE  # the client unpacked it
    assert answer.headers["etag"] != plain.headers["etag"]
    again = await http.get(PACKAGE_URL, headers={"accept-encoding": "gzip", "if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    part = await http.get(PACKAGE_URL, headers={"accept-encoding": "gzip", "range": "bytes=0-9"})
    assert (part.status_code, part.content, part.headers["etag"]) == (206, PACKAGE[:10], plain.headers["etag"])
    assert "content-encoding" not in part.headers


async def test_the_copy_is_made_in_the_background_and_only_when_it_is_smaller(core: Core) -> None:
    key = encoded_key(WORKSPACE, PACKAGE_SHA)
    encodings = core.shared(Encodings, Encodings)
    async with asyncio.timeout(30):
        while await encodings.gzip_of(WORKSPACE, PACKAGE_SHA) is None:
            await core.replica.poll()
    assert gzip.decompress(await core.objects.get(key, 2**20)) == PACKAGE
    noise = os.urandom(10_000)
    noise_sha = hashlib.sha256(noise).hexdigest()
    await core.objects.put_new(service.target_key(WORKSPACE, noise_sha), noise)
    assert not await compress(core, WORKSPACE, noise_sha)
    assert list(core.objects.incoming.iterdir()) == []
