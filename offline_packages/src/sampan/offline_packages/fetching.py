"""How a device gets bytes: one callable, injected. Nothing it returns is trusted before it is verified."""

import http.client
import time
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import urlsplit

CHUNK_BYTES = 64 * 1024


class FetchFailed(OSError):
    """The bytes did not come; `status` is the HTTP status when a server answered."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Fetch(Protocol):
    """Yield the body of `url` from byte `offset` on. May stop soon after `max_length` bytes; raises `FetchFailed`."""

    def __call__(self, url: str, max_length: int, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes in pieces."""
        ...


class HttpFetch:
    """Plain HTTP and HTTPS by the standard library: one request per call, a time limit for each whole answer."""

    def __init__(self, *, timeout_seconds: float = 20, deadline_seconds: float = 600) -> None:
        self._timeout_seconds = timeout_seconds
        self._deadline_seconds = deadline_seconds

    def __call__(self, url: str, max_length: int, offset: int = 0) -> Iterator[bytes]:
        """Yield the body; see `Fetch`. A server that ignores the range is read past the offset."""
        deadline = time.monotonic() + self._deadline_seconds
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._timeout_seconds)
        try:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
            with connection.getresponse() as answer:
                yield from _body(answer, url, max_length, offset, deadline)
        except FetchFailed:
            raise
        except (http.client.HTTPException, OSError) as problem:  # a server that dies in the middle resets the line
            raise FetchFailed(f"{url}: {type(problem).__name__}") from problem
        finally:
            connection.close()


def _body(answer: http.client.HTTPResponse, url: str, max_length: int, offset: int, deadline: float) -> Iterator[bytes]:
    if answer.status not in {200, 206} or (answer.status == 206 and not offset):
        raise FetchFailed(f"{url} answered {answer.status}", answer.status)
    skip = offset if answer.status == 200 else 0
    received = 0
    while received <= max_length + skip and (chunk := answer.read(CHUNK_BYTES)):
        received += len(chunk)
        if time.monotonic() > deadline:
            raise FetchFailed(f"{url} is too slow")
        dropped = min(skip, len(chunk))
        skip -= dropped
        if dropped < len(chunk):
            yield chunk[dropped:]
