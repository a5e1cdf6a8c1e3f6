"""Work in a thread that no cancellation leaves running alone."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def uninterrupted(work: Callable[..., Result], *arguments: object) -> Result:
    """Run `work` in a thread, to its end even when cancelled: nothing happens behind the caller's back."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):  # cancelled again: the thread still runs
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # marks it as seen; the cancellation is what the caller hears
        raise
