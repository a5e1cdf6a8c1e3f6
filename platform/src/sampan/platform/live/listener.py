"""One open stream: what waits to be sent to it, within a bound, and why it ends."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct, field

MAX_WAITING = 64

Check = Callable[[], Awaitable[None]]
Wants = Callable[[str, Mapping[str, Any]], bool]


def everything(_topic: str, _data: Mapping[str, Any]) -> bool:
    """Want every topic."""
    return True


class Listener(Struct, eq=False):
    """A stream of one device or one session, named by `owner`.

    `check` raises an error of ours when the caller may listen no longer; `wants` says which topics are for it.
    """

    workspace_id: str
    owner: str
    check: Check
    wants: Wants
    task: "asyncio.Task[Any] | None" = None
    end_reason: str = ""
    is_cut: bool = False
    _waiting: deque[bytes] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, frame: bytes) -> None:
        """Queue a frame; a listener that does not keep up is cut off, whatever it is in the middle of."""
        if self.is_cut or self.end_reason:
            return
        if len(self._waiting) >= MAX_WAITING:
            self._cut()
            return
        self._waiting.append(frame)
        self._wake.set()

    def beat(self, heartbeat: bytes) -> None:
        """Queue a heartbeat, unless something waits anyway; a heartbeat that waits since the last one says: slow."""
        if self._waiting:
            if self._waiting[0] == heartbeat:
                self._cut()
            return
        self.push(heartbeat)

    def end(self, reason: str) -> None:
        """End the stream after what waits; `reason` is told to the client."""
        if not self.end_reason:
            self.end_reason = reason
            self._wake.set()

    def gone(self) -> None:
        """The client went away: end at once, nobody reads any more."""
        self._cut()

    async def next(self) -> bytes:
        """Return everything that waits, in one piece; empty when the stream ended and nothing is left."""
        while not self._waiting:
            if self.end_reason:
                return b""
            self._wake.clear()
            await self._wake.wait()
        frames = b"".join(self._waiting)
        self._waiting.clear()
        return frames

    def _cut(self) -> None:
        self.is_cut = True
        self._waiting.clear()
        if self.task is not None:
            self.task.cancel()
