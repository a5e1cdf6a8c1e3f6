"""The access log: every line once and whole, written aside, and lost lines counted."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

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
    return access_line(
        trace_id="t", workspace="demo", method="GET", route="/x/{id}", status=status, size_bytes=5, seconds=0.0015
    )


async def test_a_line_has_the_fields_of_the_request() -> None:
    fields = json.loads(line(200))
    assert fields.pop("at_ms") > 1_700_000_000_000
    assert fields == {
        "event": "request", "trace_id": "t", "workspace": "demo", "method": "GET", "route": "/x/{id}",
        "status": 200, "size_bytes": 5, "took_us": 1500,
    }  # fmt: skip


async def test_lines_come_out_in_order_by_themselves(pipe: tuple[int, int]) -> None:
    log = AccessLog(pipe[1])
    lines = [line(status) for status in (200, 404)]
    for each in lines:
        log.add(each)
    got = await asyncio.wait_for(asyncio.to_thread(os.read, pipe[0], 10_000), 5)
    assert got == b"".join(lines)
    await log.close()


async def test_close_writes_what_is_left_and_ends_the_thread(tmp_path: Path) -> None:
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    threads = threading.active_count()
    log = AccessLog(descriptor)
    for number in range(2000):
        log.add(line(number))
    await log.close()
    os.close(descriptor)
    written = path.read_bytes().splitlines()
    assert [json.loads(each)["status"] for each in written] == list(range(2000))
    assert threading.active_count() <= threads + 1  # the thread that `close` waited in may stay in its pool


async def test_a_reader_that_does_not_read_costs_lines_not_requests(pipe: tuple[int, int]) -> None:
    log, before = AccessLog(pipe[1]), dropped()
    chunk_line = b"x" * (FLUSH_BYTES - 1) + b"\n"
    total = MAX_WAITING_CHUNKS + 20
    for _ in range(total):
        log.add(chunk_line)
    lost = int(dropped() - before)
    assert 0 < lost < total

    received = bytearray()

    def read_until(count: int) -> None:
        while received.count(b"\n") < count:
            received.extend(os.read(pipe[0], FLUSH_BYTES))

    await asyncio.wait_for(asyncio.to_thread(read_until, total - lost), 20)
    log.add(b"later\n")
    await log.close()
    await asyncio.wait_for(asyncio.to_thread(read_until, total - lost + 2), 20)
    report, later = bytes(received).splitlines()[-2:]
    assert (json.loads(report)["event"], json.loads(report)["lines"], later) == ("access_lines_dropped", lost, b"later")


async def test_a_reader_that_is_gone_is_counted() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    log, before = AccessLog(writing), dropped()
    log.add(line(200))
    await log.close()
    os.close(writing)
    assert dropped() == before + 1
