"""The access log: one line per request, collected in memory and written by a thread of its own.

A line costs the event loop about a microsecond, and a full pipe never holds a request up: what cannot be
written in time is dropped, counted, and the loss is itself a line of the log.
"""

import asyncio
import os
import queue
import sys
import threading
import time

import orjson

from sampan.platform.metrics import ACCESS_LINES_DROPPED

FLUSH_SECONDS = 0.1
FLUSH_BYTES = 64 * 1024
MAX_WAITING_CHUNKS = 64


def access_line(
    *, trace_id: str, workspace: str, method: str, route: str, status: int, size_bytes: int, seconds: float
) -> bytes:
    """Return the line of one request. `route` is the pattern: paths and queries may carry personal data."""
    record = {
        "event": "request",
        "at_ms": time.time_ns() // 1_000_000,
        "trace_id": trace_id,
        "workspace": workspace,
        "method": method,
        "route": route,
        "status": status,
        "size_bytes": size_bytes,
        "took_us": int(seconds * 1_000_000),
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


class AccessLog:
    """Collects lines on the event loop; flushed each 100 ms or 64 KiB, and by `close`."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = sys.stderr.fileno() if descriptor is None else descriptor
        self._lines: list[bytes] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._unreported = 0
        self._chunks: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING_CHUNKS)
        self._thread = threading.Thread(target=self._write_chunks, name="access-log", daemon=True)
        self._thread.start()

    def add(self, line: bytes) -> None:
        """Take one whole line, newline included; call it on the event loop."""
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes >= FLUSH_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand what was collected to the writing thread, or drop and count it when that is too far behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines, self._bytes = self._lines, [], 0
        if not lines:
            return
        try:
            self._chunks.put_nowait(self._report_of_loss() + b"".join(lines))
            self._unreported = 0
        except queue.Full:
            self._unreported += len(lines)
            ACCESS_LINES_DROPPED.inc(len(lines))

    async def close(self, timeout_seconds: float = 5.0) -> None:
        """Write what is left and end the thread; what cannot be written within `timeout_seconds` is lost."""
        self.flush()
        await asyncio.to_thread(self._end, timeout_seconds)

    def _end(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        try:
            self._chunks.put(None, timeout=timeout_seconds)
        except queue.Full:
            return  # the reader is gone; the daemon thread ends with the process
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _report_of_loss(self) -> bytes:
        if not self._unreported:
            return b""
        report = {
            "event": "access_lines_dropped",
            "at_ms": time.time_ns() // 1_000_000,
            "lines": self._unreported,
        }
        return orjson.dumps(report, option=orjson.OPT_APPEND_NEWLINE)

    def _write_chunks(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            view = memoryview(chunk)
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                # Nobody reads the log any more (a closed pipe): requests go on, the loss is counted.
                ACCESS_LINES_DROPPED.inc(chunk.count(b"\n"))
