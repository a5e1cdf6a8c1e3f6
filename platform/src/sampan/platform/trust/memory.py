"""What one process remembers about the trees: small files that many clients ask for, and who is publishing."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sampan.platform.crypto.digest import digest
from sampan.platform.engines.keys import Key
from sampan.platform.engines.objects import ObjectMissing, ObjectTooLarge
from sampan.platform.trust.waking import tree_key

if TYPE_CHECKING:
    from sampan.platform.core import Core

MAX_FILES = 20_000
MAX_BYTES = 64 * 2**20
MAX_FILE_BYTES = 2**20
CHANGING_MS = 1_000


@dataclass(frozen=True, slots=True)
class SmallFile:
    """The bytes of a file and their strong ETag."""

    body: bytes
    etag: bytes


class TrustMemory:
    """Bounded, least recently used first out. What may change is asked for again after a second."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._files: OrderedDict[Key, tuple[SmallFile | None, int]] = OrderedDict()
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
            self._listening[tree] = self._core.bus.subscribe(tree, lambda _payload: self._forget_missing_and(key))
        return await self._get(key, is_changing=True)

    async def _get(self, key: Key, *, is_changing: bool) -> SmallFile | None:
        kept = self._files.get(key)
        if kept is not None and self._core.now_ms() < kept[1]:
            self._files.move_to_end(key)
            return kept[0]
        file = await self._load(key)
        is_final = file is not None and not is_changing
        self._keep(key, file, 2**63 if is_final else self._core.now_ms() + CHANGING_MS)
        return file

    async def _load(self, key: Key) -> SmallFile | None:
        try:
            body = await self._core.objects.get(key, MAX_FILE_BYTES)
        except (ObjectMissing, ObjectTooLarge):
            return None
        return SmallFile(body, f'"{digest(body).partition(":")[2]}"'.encode())

    def _keep(self, key: Key, file: SmallFile | None, until_ms: int) -> None:
        self._drop(key)
        self._files[key] = (file, until_ms)
        self._bytes += len(file.body) if file else 0
        while len(self._files) > MAX_FILES or self._bytes > MAX_BYTES:
            self._drop(next(iter(self._files)))

    def _drop(self, key: Key) -> None:
        dropped = self._files.pop(key, None)
        if dropped is not None and dropped[0] is not None:
            self._bytes -= len(dropped[0].body)

    def _forget_missing_and(self, changed: Key) -> None:
        """A tree moved: its timestamp is another one, and files that were not there may be there now."""
        for key in [changed, *(key for key, (file, _until) in self._files.items() if file is None)]:
            self._drop(key)
