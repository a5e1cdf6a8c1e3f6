"""`/trust/{workspace}/{profile}/...`: what TUF clients and devices download. Raw ASGI; no SQL, ever.

`metadata/<n>.<role>.json` and `targets/<path>/<sha256>.<name>` are the layout of a TUF repository with consistent
snapshots; `files/<sha256>` is the byte range of a stored archive, `deltas/<sha256>-<sha256>` the difference between
two. All but `timestamp.json` never change.
Anyone may download; what counts is the signature. Content types are fixed and the browser is told not to
guess, so that no file of a publisher ever runs as a page of this origin.
"""

import contextlib
import re
from collections.abc import AsyncGenerator, Iterable

from msgspec import Struct
from starlette.types import Receive, Scope, Send

from sampan.platform.core import Core
from sampan.platform.engines.keys import Key, workspace_key
from sampan.platform.engines.objects import ObjectMissing
from sampan.platform.errors import NotFound
from sampan.platform.problems import MethodNotAllowed, send_problem
from sampan.platform.trust.encodings import Encodings
from sampan.platform.trust.file_rows import LOG, FilePlaces
from sampan.platform.trust.memory import SmallFile, TrustMemory
from sampan.platform.trust.profiles import PROFILES
from sampan.platform.trust.ranges import (
    ByteRange,
    Unsatisfiable,
    names_etag,
    range_applies,
    takes_gzip,
    wanted_range,
)
from sampan.platform.trust.waking import metadata_key, target_key

FOREVER = b"public, max-age=31536000, immutable"
ALWAYS_ASK = b"no-cache"
JSON, ARCHIVE, BYTES = b"application/json", b"application/zip", b"application/octet-stream"
SMALL_BYTES = 64 * 1024

_PATH = re.compile(
    r"/trust/([a-z][a-z0-9-]{1,30}[a-z0-9])/([a-z]{1,16})/(metadata|targets|files|deltas)/([A-Za-z0-9._/-]+)"
)
_ROLE_FILE = re.compile(r"[1-9][0-9]{0,15}\.[a-z0-9.-]{1,200}\.json")
_TARGET = re.compile(r"(?:apps/[a-z0-9.-]+/[0-9]+|control)/([0-9a-f]{64})\.[A-Za-z0-9._-]+(\.[a-z]+)")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DELTA = re.compile(r"[0-9a-f]{64}-[0-9a-f]{64}")
_TYPES = {".json": JSON, ".ma": ARCHIVE}
_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"etag, content-range"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)


class TrustFileNotFound(NotFound):
    """The tree has no such file (a TUF client asks for the next root this way)."""

    code = "trust_file_not_found"
    title = "The tree has no such file"


class _Found(Struct, frozen=True):
    """A file that can be sent: its bytes at hand, or a stretch of an object."""

    etag: bytes
    media_type: bytes
    caching: bytes
    size: int
    body: bytes | None = None
    key: Key | None = None
    offset: int = 0
    encoding: bytes = b""


class TrustFiles:
    """The ASGI application below `/trust`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._memory = core.shared(TrustMemory, TrustMemory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one GET or HEAD."""
        if scope["method"] not in {"GET", "HEAD"}:
            await send_problem(send, MethodNotAllowed("This path answers GET and HEAD.", allow="GET, HEAD"))
            return
        found = await self._find(scope["path"], scope["headers"])
        if found is None:
            await send_problem(send, TrustFileNotFound("The tree has no such file."))
            return
        await _answer(self._core, scope, found, send)

    async def _find(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> _Found | None:
        match = _PATH.fullmatch(path)
        if match is None or match[2] not in PROFILES or match[1] not in self._core.replica.workspaces:
            return None
        if match[3] == "metadata":
            return await self._metadata(match[1], match[2], match[4])
        if match[3] == "targets":
            return await self._target(match[1], match[4], takes_gzip(headers))
        if match[3] == "deltas":
            return await self._delta(match[1], match[4])
        return await self._file(match[1], match[4])

    async def _metadata(self, workspace_id: str, profile: str, name: str) -> _Found | None:
        if name == "timestamp.json":
            key = metadata_key(workspace_id, profile, name)
            return _small(await self._memory.changing(workspace_id, profile, key), JSON, ALWAYS_ASK)
        if _ROLE_FILE.fullmatch(name) is None:
            return None
        key = metadata_key(workspace_id, profile, name)
        return _small(await self._memory.immutable(key), JSON, FOREVER) or await self._object(key, name, JSON)

    async def _target(self, workspace_id: str, path: str, is_gzip_taken: bool) -> _Found | None:
        match = _TARGET.fullmatch(path)
        if match is None:
            return None
        key = target_key(workspace_id, match[1])
        media_type = _TYPES.get(match[2], BYTES)
        if media_type is JSON:
            small = _small(await self._memory.immutable(key), JSON, FOREVER)
            if small is not None:
                return small
        found = await self._object(key, match[1], media_type)
        if found is None or media_type is not ARCHIVE or not is_gzip_taken:
            return found
        copy = await self._core.shared(Encodings, Encodings).gzip_of(workspace_id, match[1])
        if copy is None:
            return found
        etag = f'"{match[1]}-gzip"'.encode()
        return _Found(etag, media_type, FOREVER, copy[1], key=copy[0], encoding=b"gzip")

    async def _file(self, workspace_id: str, sha256: str) -> _Found | None:
        if _DIGEST.fullmatch(sha256) is None:
            return None
        places: FilePlaces = self._core.replica.view(workspace_id).followed[LOG]
        place = places.place(sha256)
        if place is None:
            return None
        key = target_key(workspace_id, place.archive_sha256)
        return _Found(f'"{sha256}"'.encode(), BYTES, FOREVER, place.size, key=key, offset=place.offset)

    async def _delta(self, workspace_id: str, name: str) -> _Found | None:
        if _DELTA.fullmatch(name) is None:
            return None
        return await self._object(workspace_key(workspace_id, "deltas", name), name, BYTES)

    async def _object(self, key: Key, name: str, media_type: bytes) -> _Found | None:
        try:
            size = await self._core.objects.size(key)
        except ObjectMissing:
            return None
        return _Found(f'"{name}"'.encode(), media_type, FOREVER, size, key=key)


def _small(file: SmallFile | None, media_type: bytes, caching: bytes) -> _Found | None:
    if file is None:
        return None
    return _Found(file.etag, media_type, caching, len(file.body), body=file.body)


async def _answer(core: Core, scope: Scope, found: _Found, send: Send) -> None:
    asked = {name: value for name, value in scope["headers"] if name in _CONDITIONS}
    headers = [(b"etag", found.etag), (b"cache-control", found.caching), (b"accept-ranges", b"bytes"), *_SAFE]
    if found.media_type is ARCHIVE:
        headers.append((b"vary", b"accept-encoding"))
    if found.encoding:
        headers.append((b"content-encoding", found.encoding))
    if names_etag(asked.get(b"if-none-match"), found.etag):
        await _send(send, 304, headers, b"")
        return
    try:
        part = (
            wanted_range(asked.get(b"range"), found.size) if range_applies(asked.get(b"if-range"), found.etag) else None
        )
    except Unsatisfiable:
        headers += [(b"content-range", f"bytes */{found.size}".encode()), (b"content-length", b"0")]
        await _send(send, 416, headers, b"")
        return
    status = 200 if part is None else 206
    if part is not None:
        headers.append((b"content-range", f"bytes {part.start}-{part.end - 1}/{found.size}".encode()))
    whole = part or ByteRange(0, found.size)
    headers += [(b"content-type", found.media_type), (b"content-length", str(whole.end - whole.start).encode())]
    if scope["method"] == "HEAD":
        await _send(send, status, headers, b"")
    elif found.body is not None:
        await _send(send, status, headers, found.body[whole.start : whole.end])
    elif found.key is not None:
        chunks = core.objects.read(found.key, found.offset + whole.start, found.offset + whole.end)
        await _stream(send, status, headers, chunks)


async def _stream(
    send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], chunks: AsyncGenerator[bytes]
) -> None:
    """Send a file chunk by chunk: the next one is read when the client has taken the last."""
    async with contextlib.aclosing(chunks):
        first = await anext(chunks, b"")  # a missing file is a 404 only before the first byte is out
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _send(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


_CONDITIONS = frozenset({b"if-none-match", b"if-range", b"range"})
