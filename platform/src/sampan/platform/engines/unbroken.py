"""Work on the event loop that no cancellation leaves half done, or behind."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


async def unbroken(work: Awaitable[Result]) -> Result:
    """Await `work` to its end even when cancelled, also again and again; then the cancellation goes on."""
    running = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as problem:
            cancelled = problem
    if cancelled is not None:
        running.cancelled() or running.exception()  # marks it as retrieved
        raise cancelled
    return running.result()
