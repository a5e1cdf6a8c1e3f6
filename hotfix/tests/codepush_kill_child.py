"""Run by test_codepush_collecting: a server that kills itself, without a word, in the middle of a named step."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from codepush_scene import scene

from sampan.codepush.collecting import collect
from sampan.platform.core import system_clock_ms
from sampan.platform.testing import WORKSPACE

LATER_MS = 31 * 24 * 3_600_000
DEATHS = {
    "taking in": "sampan.codepush.repository.add_bundle",
    "forgetting": "sampan.codepush.repository.forget_differences",
    "removing": "sampan.codepush.repository.given_up",
}


async def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, wanted: str) -> None:
    """Release one that is approved and one that is refused; then go to the step and die there."""
    ahead_ms = 0
    async with scene(folder, now_ms=lambda: system_clock_ms() + ahead_ms) as town:
        await town.released("one")
        if wanted == "taking in":
            with patch(DEATHS[wanted], _die):
                await town.release("two")
        await town.release("two")
        (waiting,) = await town.waiting()
        await town.decide(waiting, "reject")
        ahead_ms = LATER_MS
        if wanted == "removing":
            await collect(town.core, WORKSPACE)  # the row goes; the second round removes the file and dies behind it
        with patch(DEATHS[wanted], _die):
            await collect(town.core, WORKSPACE)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
