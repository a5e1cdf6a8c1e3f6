"""Work in a thread that no cancellation leaves running alone, and files that no cancellation leaves open."""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Closable(Protocol):
    """What `opened` closes: a file, or an object that holds one."""

    def close(self) -> object:
        """Let go of it; short, for it runs on the event loop."""


Opened = TypeVar("Opened", bound=Closable)


async def uninterrupted(work: Callable[..., Result], *arguments: object) -> Result:
    """Run `work` in a thread, to its end even when cancelled: nothing happens behind the caller's back."""
    # A plain future: whoever cancels all tasks, as a closing loop does, does not take it for one of them.
    context = contextvars.copy_context()
    running = asyncio.get_running_loop().run_in_executor(None, lambda: context.run(work, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):  # cancelled again: the thread still runs
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # marks it as seen; the cancellation is what the caller hears
        raise


@contextlib.asynccontextmanager
async def opened(open_file: Callable[..., Opened], *arguments: object) -> AsyncIterator[Opened]:
    """Run `open_file` in a thread and give what it returns, which is closed at the end in any case.

    A thread opens its file even when nobody waits for it any more, and `to_thread` then loses it. Work on the
    file in threads is to be `uninterrupted`, so that none is under way when it is closed.
    """
    held: list[Opened] = []
    try:
        await uninterrupted(lambda: held.append(open_file(*arguments)))
        yield held[0]
    finally:
        for file in held:
            file.close()
