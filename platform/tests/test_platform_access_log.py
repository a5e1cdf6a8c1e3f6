"""The access log: every line once and whole, written aside, and lost lines counted."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sampan.platform.access_log import FLUSH_BYTES, MAX_WAITING_CHUNKS, AccessLog, access_line
from sampan.platform.metrics import REGISTRY

pytestmark = pytest.mark.anyio


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def dropped() -> float:
    return REGISTRY.get_sample_value("sampan_access_lines_dropped_total") or 0.0


def line(status: int) -> bytes:
    return access_line(trace_id="t", workspace="demo", method="GET", route="/x/{id}", status=status, seconds=0.0015)


async def test_a_line_has_the_fields_of_the_request() -> None:
    fields = json.loads(line(200))
    assert fields.pop("at_ms") > 1_700_000_000_000
    assert fields == {
        "event": "request", "trace_id": "t", "workspace": "demo", "method": "GET", "route": "/x/{id}",
        "status": 200, "took_us": 1500,
    }  # fmt: skip


async def test_lines_come_out_in_order_by_themselves(pipe: tuple[int, int]) -> None:
    log, lines = AccessLog(pipe[1]), [line(status) for status in (200, 404)]
    async with log.running():
        for each in lines:
            log.add(each)
        got = await asyncio.wait_for(asyncio.to_thread(os.read, pipe[0], 10_000), 5)
    assert got == b"".join(lines)


@pytest.mark.parametrize(
    ("scope", "status", "route"),
    [
        ({"path": "/client/v1/sync"}, 200, "/client/v1/sync"),
        ({"path": "/reset/secret-word"}, 404, "-"),
        ({"path": "/x/1", "route": SimpleNamespace(path="/x/{id}")}, 404, "/x/{id}"),
        ({"path": "/api/x/1", "root_path": "/api", "route": SimpleNamespace(path="/x/{id}")}, 200, "/api/x/{id}"),
    ],
)
async def test_the_route_is_a_pattern(pipe: tuple[int, int], scope: dict[str, Any], status: int, route: str) -> None:
    log = AccessLog(pipe[1])
    async with log.running():
        log.write({"method": "GET", "sampan_workspace": "demo", **scope}, status, 0.1, "t")
    fields = json.loads(os.read(pipe[0], 10_000))
    assert (fields["route"], fields["status"], fields["workspace"], fields["trace_id"]) == (route, status, "demo", "t")


async def test_the_end_writes_what_is_left_and_ends_the_thread(tmp_path: Path) -> None:
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    log = AccessLog(descriptor)
    log.add(b"before anything runs nothing is kept")
    async with log.running():
        for number in range(2000):
            log.add(line(number))
    os.close(descriptor)
    written = path.read_bytes().splitlines()
    assert [json.loads(each)["status"] for each in written] == list(range(2000))
    assert "access-log" not in {thread.name for thread in threading.enumerate()}


async def test_a_reader_that_does_not_read_costs_lines_not_requests(pipe: tuple[int, int]) -> None:
    log, before = AccessLog(pipe[1]), dropped()
    total = MAX_WAITING_CHUNKS + 20
    received = bytearray()

    def read_until(count: int) -> None:
        while received.count(b"\n") < count:
            received.extend(os.read(pipe[0], FLUSH_BYTES))

    async with log.running():
        for _ in range(total):
            log.add(b"x" * (FLUSH_BYTES - 1) + b"\n")
        lost = int(dropped() - before)
        assert 0 < lost < total
        await asyncio.wait_for(asyncio.to_thread(read_until, total - lost), 20)
        log.add(b"later\n")
    await asyncio.wait_for(asyncio.to_thread(read_until, total - lost + 2), 20)
    report, later = bytes(received).splitlines()[-2:]
    assert (json.loads(report)["event"], json.loads(report)["lines"], later) == ("access_lines_dropped", lost, b"later")


async def test_a_reader_that_never_reads_does_not_hold_the_end_up() -> None:
    reading, writing = os.pipe()
    log = AccessLog(writing)
    async with asyncio.timeout(5), log.running(close_seconds=0.05):
        for _ in range(MAX_WAITING_CHUNKS + 20):
            log.add(b"x" * (FLUSH_BYTES - 1) + b"\n")
    os.close(reading)
    for thread in threading.enumerate():
        if thread.name == "access-log":
            thread.join(5)
            assert not thread.is_alive()
    os.close(writing)


async def test_a_reader_that_is_gone_is_counted() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    log, before = AccessLog(writing), dropped()
    async with log.running():
        log.add(line(200))
    os.close(writing)
    assert dropped() == before + 1
