"""What one process remembers about the trees: small files that many clients ask for, and who is publishing."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from sampan.platform.crypto.digest import digest
from sampan.platform.engines.keys import Key
from sampan.platform.engines.objects import ObjectMissing, ObjectTooLarge
from sampan.platform.trust.waking import tree_key

if TYPE_CHECKING:
    from sampan.platform.core import Core

MAX_FILES = 20_000
MAX_MISSES = 2_000
MAX_BYTES = 64 * 2**20
MAX_FILE_BYTES = 2**20
CHANGING_MS = 1_000


class SmallFile(Struct, frozen=True):
    """The bytes of a file and their strong ETag."""

    body: bytes
    etag: bytes


class TrustMemory:
    """Bounded, least recently used first out. What may change is asked for again after a second.

    Names without a file are remembered apart: anybody can ask for any number of them, and no file goes for one.
    """

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._files: OrderedDict[Key, tuple[SmallFile, int]] = OrderedDict()
        self._misses: dict[Key, int] = {}
        self._bytes = 0
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._listening: dict[Key, Callable[[], None]] = {}

    def lock(self, workspace_id: str, profile: str) -> asyncio.Lock:
        """Return the lock that keeps two publishing rounds of one tree in this process apart."""
        return self._locks[workspace_id, profile]

    async def immutable(self, key: Key) -> SmallFile | None:
        """Return a small file that never changes; None when it is not there, or too large to be kept here."""
        return await self._get(key, is_changing=False)

    async def changing(self, workspace_id: str, profile: str, key: Key) -> SmallFile | None:
        """Return a small file that the publisher job replaces; at most a second old, at once new in its process."""
        tree = tree_key(workspace_id, profile)
        if tree not in self._listening:
            self._listening[tree] = self._core.bus.subscribe(tree, lambda _payload: self._forget_misses_and(key))
        return await self._get(key, is_changing=True)

    async def _get(self, key: Key, *, is_changing: bool) -> SmallFile | None:
        kept = self._files.get(key)
        if kept is not None and self._core.now_ms() < kept[1]:
            self._files.move_to_end(key)
            return kept[0]
        if self._core.now_ms() < self._misses.get(key, 0):
            return None
        file = await self._load(key)
        if file is None:
            self._keep_miss(key)
        else:
            self._keep(key, file, self._core.now_ms() + CHANGING_MS if is_changing else 2**63)
        return file

    async def _load(self, key: Key) -> SmallFile | None:
        try:
            body = await self._core.objects.get(key, MAX_FILE_BYTES)
        except (ObjectMissing, ObjectTooLarge):
            return None
        return SmallFile(body, f'"{digest(body).partition(":")[2]}"'.encode())

    def _keep_miss(self, key: Key) -> None:
        self._drop(key)
        self._misses[key] = self._core.now_ms() + CHANGING_MS
        while len(self._misses) > MAX_MISSES:
            del self._misses[next(iter(self._misses))]

    def _keep(self, key: Key, file: SmallFile, until_ms: int) -> None:
        self._drop(key)
        self._files[key] = (file, until_ms)
        self._bytes += len(file.body)
        while len(self._files) > MAX_FILES or self._bytes > MAX_BYTES:
            self._drop(next(iter(self._files)))

    def _drop(self, key: Key) -> None:
        self._misses.pop(key, None)
        dropped = self._files.pop(key, None)
        if dropped is not None:
            self._bytes -= len(dropped[0].body)

    def _forget_misses_and(self, changed: Key) -> None:
        """A tree moved: its timestamp is another one, and files that were not there may be there now."""
        self._drop(changed)
        self._misses.clear()
