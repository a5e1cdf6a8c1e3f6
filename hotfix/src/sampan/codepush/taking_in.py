"""Uploads: bounded while they arrive, and a file of our own while they are read."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from secrets import token_hex

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import Message

from sampan.codepush.bundles import MAX_BUNDLE_BYTES
from sampan.codepush.checking import BUNDLES
from sampan.codepush.problems import BundleTooLarge
from sampan.platform.core import Core
from sampan.platform.engines.threads import uninterrupted
from sampan.platform.hosts import scheme_of
from sampan.platform.workspaces.host_rows import hosts_of

ROOM_BYTES = 64 * 1024
_CHUNK = 256 * 1024


def bounded(request: Request) -> Request:
    """Return the request, whose body ends with `BundleTooLarge` when it is over the limit of bundles."""
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BUNDLE_BYTES + ROOM_BYTES:
            raise BundleTooLarge(f"A bundle has at most {MAX_BUNDLE_BYTES} bytes.", limit_bytes=MAX_BUNDLE_BYTES)
        return message

    return Request(request.scope, receive)


@contextlib.asynccontextmanager
async def aside(core: Core) -> AsyncIterator[Path]:
    """Give a path for a file that is gone at the end."""
    path = core.objects.incoming / token_hex(16)
    try:
        yield path
    finally:
        await uninterrupted(partial(path.unlink, missing_ok=True))


@contextlib.asynccontextmanager
async def spooled(core: Core, upload: UploadFile) -> AsyncIterator[Path]:
    """Give the upload as a closed file of the object store's own folder."""
    async with aside(core) as path:
        await uninterrupted(_copy, upload, path)
        yield path


def _copy(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        while chunk := upload.file.read(_CHUNK):
            file.write(chunk)


def address_of(core: Core, request: Request) -> str:
    """Return what stands before the SHA-256 in a bundle's address, as the caller reaches this server."""
    return f"{server_of(core, request)}{BUNDLES}"


def server_of(core: Core, request: Request) -> str:
    """Return the address of this server and workspace, as the caller reaches it."""
    place = request.scope["sampan_place"]
    scheme = scheme_of(hosts_of(core).names, request.scope)
    return f"{scheme}://{place.name}{place.port}{request.scope.get('sampan_prefix', '')}"
