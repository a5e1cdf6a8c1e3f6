"""Requests over kept-alive connections, prepared as bytes beforehand so that the client costs little.

The client runs in the bench's own process; only the server's CPU time is measured. A wrong status ends the
run: a benchmark of refusals is no benchmark.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import httptools
import uvloop

from sampan.loadtests.bench.harness import CannotRun
from sampan.loadtests.bench.server import HOST, Server

_PATIENCE_SECONDS = 120


class UnexpectedAnswer(CannotRun):
    """A request was not answered as the bench expects; the text holds the answer."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run cost the server and gave the client; `bodies` and `etags` in the order of the requests."""

    requests: int
    wall_seconds: float
    server_cpu_seconds: float
    latencies_ms: list[float] = field(repr=False)
    bodies: list[bytes] = field(repr=False)
    etags: list[str] = field(repr=False)

    def figures(self) -> dict[str, float]:
        """Return the figures of a row: `cpu_ms` is the server's CPU time a request."""
        ordered = sorted(self.latencies_ms)
        return {
            "cpu_ms": self.server_cpu_seconds * 1000 / self.requests,
            "p50_ms": ordered[len(ordered) * 50 // 100],
            "p99_ms": ordered[len(ordered) * 99 // 100],
            "requests_per_second": self.requests / self.wall_seconds,
        }


def prepare(method: str, path: str, *, headers: Mapping[str, str] | None = None, body: object = None) -> bytes:
    """Return the bytes of a request. A `body` of bytes is sent as it is, anything else as JSON."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = {"host": HOST, **(headers or {})}
    if body is not None:
        lines.setdefault("content-type", "application/json")
        lines["content-length"] = str(len(content))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content


def drive(
    server: Server,
    requests: Iterable[bytes],
    *,
    connections: int = 8,
    expect: int = 200,
    keep_bodies: bool = False,
) -> Load:
    """Send every request once, over `connections` at a time, and measure the server meanwhile.

    `keep_bodies` keeps the answers and their ETags, for requests that depend on the answers of the run before (a
    refresh token). Raises `UnexpectedAnswer` for any other status than `expect`.
    """
    prepared = list(requests)
    work = _Work(prepared, expect, keep_bodies)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work.connect(server.port, connections))
        cpu = server.cpu_seconds()
        began = time.perf_counter()
        runner.run(work.finish())
        wall = time.perf_counter() - began
        cpu = server.cpu_seconds() - cpu
    return Load(len(prepared), wall, cpu, work.latencies_ms, work.bodies, work.etags)


class _Work:
    """The requests of one run, shared by its connections."""

    def __init__(self, requests: list[bytes], expect: int, keep_bodies: bool) -> None:
        self.expect = expect
        self.keep_bodies = keep_bodies
        self.bodies = [b""] * (len(requests) if keep_bodies else 0)
        self.etags = [""] * len(self.bodies)
        self.latencies_ms: list[float] = []
        self._waiting: Iterator[tuple[int, bytes]] = iter(enumerate(requests))
        self._left = len(requests)
        self._connections: list[_Connection] = []
        self._done: asyncio.Future[None] | None = None

    async def connect(self, port: int, connections: int) -> None:
        """Open the connections before the clock runs."""
        loop = asyncio.get_running_loop()
        kind = _Keeping if self.keep_bodies else _Connection
        for _ in range(connections):
            _, protocol = await loop.create_connection(lambda: kind(self), HOST, port)
            self._connections.append(protocol)

    async def finish(self) -> None:
        """Send everything and wait for the last answer."""
        self._done = asyncio.get_running_loop().create_future()
        for connection in self._connections:
            connection.send_next()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._done
        except TimeoutError:
            raise UnexpectedAnswer(f"{self._left} requests unanswered after {_PATIENCE_SECONDS} s") from None
        finally:
            for connection in self._connections:
                connection.close()

    def take(self) -> tuple[int, bytes] | None:
        """Return the next request and its number."""
        return next(self._waiting, None)

    def answered(self) -> None:
        """Note one more answer; the last one ends the run."""
        self._left -= 1
        if self._left == 0 and self._done is not None and not self._done.done():
            self._done.set_result(None)

    def fail(self, problem: Exception) -> None:
        """End the run with a problem."""
        if self._done is not None and not self._done.done():
            self._done.set_exception(problem)


class _Connection(asyncio.Protocol):
    """One kept-alive connection: the next request leaves when the answer before it is complete."""

    def __init__(self, work: _Work) -> None:
        self._work = work
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self._number = -1
        self._sent_at = 0.0
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not a check: uvloop's transports are not registered as asyncio's classes.
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._number >= 0:
            self._work.fail(UnexpectedAnswer(f"the server closed the connection: {exc or 'no answer came'}"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as problem:
            self._work.fail(UnexpectedAnswer(f"not HTTP: {problem}: {data[:200]!r}"))

    def send_next(self) -> None:
        """Send the next request, if there is one left."""
        taken = self._work.take()
        if taken is None or self._transport is None:
            self._number = -1
            return
        self._number, request = taken
        self._body = []
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def close(self) -> None:
        """Close at the end of the run."""
        self._number = -1
        if self._transport is not None:
            self._transport.close()

    def on_body(self, part: bytes) -> None:
        """Collect the body (called by httptools)."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Note the answer and send the next request (called by httptools)."""
        self._work.latencies_ms.append((time.perf_counter() - self._sent_at) * 1000)
        status = self._parser.get_status_code()
        if status != self._work.expect:
            body = b"".join(self._body)[:2000].decode(errors="replace")
            self._work.fail(
                UnexpectedAnswer(f"status {status} instead of {self._work.expect} for request {self._number}: {body}")
            )
            return
        if self._work.keep_bodies:
            self._work.bodies[self._number] = b"".join(self._body)
        self._work.answered()
        self.send_next()


class _Keeping(_Connection):
    """A connection that also keeps the answers' ETags."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note an ETag (called by httptools)."""
        if name.lower() == b"etag":
            self._work.etags[self._number] = value.decode("latin-1")
