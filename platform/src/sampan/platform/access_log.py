"""The access log: one line per request, collected in memory and written by a thread of its own.

A line costs the event loop about a microsecond, and a full pipe never holds a request up: what cannot be
written in time is dropped, counted, and the loss is itself a line of the log.
"""

import asyncio
import contextlib
import os
import queue
import threading
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from sampan.platform.metrics import ACCESS_LINES_DROPPED

FLUSH_SECONDS = 0.1
FLUSH_BYTES = 64 * 1024
MAX_WAITING_CHUNKS = 64
NOT_FOUND = 404


def access_line(*, trace_id: str, workspace: str, method: str, route: str, status: int, seconds: float) -> bytes:
    """Return the line of one request. `route` is the pattern: paths and queries may carry personal data."""
    record = {
        "event": "request",
        "at_ms": time.time_ns() // 1_000_000,
        "trace_id": trace_id,
        "workspace": workspace,
        "method": method,
        "route": route,
        "status": status,
        "took_us": int(seconds * 1_000_000),
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


class AccessLog:
    """Collects lines on the event loop while `running`; flushed each 100 ms or 64 KiB, and at the end."""

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._unreported = 0
        self._chunks: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING_CHUNKS)
        self._thread: threading.Thread | None = None
        self._is_abandoned = False

    @contextlib.asynccontextmanager
    async def running(self, *, close_seconds: float = 5.0) -> AsyncIterator[None]:
        """Write lines until the end, then what is left, for at most `close_seconds`. Without it nothing is kept."""
        self._thread = threading.Thread(target=self._write_chunks, name="access-log", daemon=True)
        self._thread.start()
        try:
            yield
        finally:
            self.flush()
            thread, self._thread = self._thread, None
            await asyncio.to_thread(self._end, thread, close_seconds)

    def write(self, scope: Mapping[str, Any], status: int, seconds: float, trace_id: str) -> None:
        """Write the line of one answered request from its ASGI scope; call it on the event loop."""
        if self._thread is not None:
            self.add(
                access_line(
                    trace_id=trace_id,
                    workspace=scope.get("sampan_workspace", ""),
                    method=scope["method"],
                    route=_pattern(scope, status),
                    status=status,
                    seconds=seconds,
                )
            )

    def add(self, line: bytes) -> None:
        """Take one whole line, newline included; call it on the event loop."""
        if self._thread is None:
            return
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

    def _end(self, thread: threading.Thread, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        try:
            self._chunks.put(None, timeout=timeout_seconds)
        except queue.Full:
            self._is_abandoned = True  # nobody reads: the thread ends when its present write does, or with the process
            return
        thread.join(max(0.0, deadline - time.monotonic()))

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
        while not self._is_abandoned and (chunk := self._chunks.get()) is not None:
            view = memoryview(chunk)
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                # Nobody reads the log any more (a closed pipe): requests go on, the loss is counted.
                ACCESS_LINES_DROPPED.inc(chunk.count(b"\n"))


def _pattern(scope: Mapping[str, Any], status: int) -> str:
    """Return the pattern of the route that answered; of a path that nobody knew, nothing: it may say anything."""
    route = scope.get("route")
    if route is not None:
        return str(scope.get("root_path", "")) + str(getattr(route, "path", ""))
    return "-" if status == NOT_FOUND else str(scope["path"])
