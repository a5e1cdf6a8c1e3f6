"""What the runners need of the floor above: doors to one workspace's rows, and one to see where work waits."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

from sampan.platform.engines.database import Transaction


class Door(Protocol):
    """Opens transactions of one scope; made by the workspace guard."""

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a read-only transaction on one unmoving view."""

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a write transaction; leaving it normally means durable."""


OpenWorkspace = Callable[[str], Door]


def backoff_ms(attempt: int, *, first_ms: int, most_ms: int) -> int:
    """Return how long to wait after failed attempt number `attempt` (from 1): doubling, up to `most_ms`."""
    doublings = min(attempt - 1, 40)
    return min(first_ms << doublings, most_ms)


async def wait_for_wake(wake: asyncio.Event, seconds: float) -> None:
    """Return when `wake` is set, at the latest after `seconds`.

    Not `asyncio.wait_for`: up to Python 3.11 it loses a cancellation that meets the wake-up, and the task runs on.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()
