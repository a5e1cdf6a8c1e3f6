"""One flight for all who want the same at the same moment: the first one's work answers the others too."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar, cast

Result = TypeVar("Result")


class Flights:
    """What is being worked out now, by key; nothing is kept when it is done."""

    def __init__(self, _core: object = None) -> None:
        self._flying: dict[Hashable, asyncio.Task[Any]] = {}

    async def join(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Return what the first caller's `work` with this key returns, or raise what it raises.

        It goes on when a caller is cancelled: others may wait for it.
        """
        task = self._flying.get(key)
        if task is None:
            task = self._flying[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._landed(key, done))
        return cast(Result, await asyncio.shield(task))

    def _landed(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._flying[key]
        if not task.cancelled():
            task.exception()  # marks it as retrieved when every caller was cancelled
