"""Compressed copies of packages for transport; the archive itself is stored plain, so that its bytes are canonical.

A copy is made in the background when somebody first asks for one, written once, and equal on every machine.
Nobody waits for it and nothing depends on it; ranges are answered from the plain bytes alone.
"""

import asyncio
import secrets
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sampan.platform.engines.keys import Key, workspace_key
from sampan.platform.engines.objects import ObjectMissing
from sampan.platform.engines.threads import opened, uninterrupted
from sampan.platform.logs import Log
from sampan.platform.trust.waking import target_key

if TYPE_CHECKING:
    from sampan.platform.core import Core

MAX_WAITING = 200
WORTH_IT_BYTES = 4 * 1024
LEVEL = 6
_GZIP_WINDOW = 31  # zlib's spelling of "a gzip header", which carries no time here
log = Log("trust")


class Encodings:
    """Which packages wait for a compressed copy, in this process."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue(MAX_WAITING)
        self._known: set[tuple[str, str]] = set()

    async def gzip_of(self, workspace_id: str, sha256: str) -> tuple[Key, int] | None:
        """Return name and size of the compressed copy; without one, ask for it and return None."""
        key = encoded_key(workspace_id, sha256)
        try:
            return key, await self._core.objects.size(key)
        except ObjectMissing:
            self._ask(workspace_id, sha256)
            return None

    async def run(self) -> None:
        """Make the copies asked for, one after the other, until cancelled."""
        while True:
            wanted = await self._waiting.get()
            try:
                await compress(self._core, *wanted)
            except Exception:
                # A copy is a convenience: the plain bytes are served all the same.
                log.exception("encoding_failed", workspace=wanted[0], target=wanted[1])

    def _ask(self, workspace_id: str, sha256: str) -> None:
        if len(self._known) >= 100 * MAX_WAITING:
            self._known.clear()
        if (workspace_id, sha256) not in self._known and not self._waiting.full():
            self._known.add((workspace_id, sha256))
            self._waiting.put_nowait((workspace_id, sha256))


async def run_encoder(core: "Core") -> None:
    """Run the process's encoder; a background task."""
    await core.shared(Encodings, Encodings).run()


async def compress(core: "Core", workspace_id: str, sha256: str) -> bool:
    """Make the compressed copy of a target; return False, and store nothing, when it would not be smaller."""
    plain = target_key(workspace_id, sha256)
    size = await core.objects.size(plain)
    if size < WORTH_IT_BYTES:
        return False
    aside = core.objects.incoming / secrets.token_hex(16)
    try:
        encoded = await _write(aside, core.objects.read(plain))
        if encoded >= size - size // 20:
            return False
        await core.objects.put_new_file(encoded_key(workspace_id, sha256), aside)
    finally:
        await uninterrupted(aside.unlink, True)
    return True


def encoded_key(workspace_id: str, sha256: str) -> Key:
    """Return where the compressed copy of a target stands in the object store."""
    return workspace_key(workspace_id, "encoded", "gzip", sha256)


async def _write(path: Path, chunks: AsyncGenerator[bytes]) -> int:
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    written = 0
    async with opened(path.open, "xb") as file, aclosing(chunks):
        async for chunk in chunks:
            written += await uninterrupted(_add, file, compressor.compress, chunk)
        written += await uninterrupted(_add, file, compressor.flush)
    return written


def _add(file: BinaryIO, make: Callable[..., bytes], *given: bytes) -> int:
    size = file.write(make(*given))
    file.flush()  # here, not when the event loop closes it
    return size
