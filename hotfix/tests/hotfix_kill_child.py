"""Run by test_hotfix_races: a server that kills itself, without a word, in the middle of a named step."""

import asyncio
import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hotfix_scene import hotfix_scene


async def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


DEATHS = {
    "submit": "sampan.hotfix.submitting.add_hotfix",
    "approve": "sampan.platform.artifacts.candidates_repository.mark_countersigned",
    "expose": "sampan.platform.artifacts.candidates_repository.mark_exposed",
    "give": "sampan.hotfix.stacks.change_control",
    "withdraw": "sampan.hotfix.withdrawing.write_stacks",
}


async def main(folder: Path, wanted: str) -> None:
    """Go to the step and die there."""

    def deadly(*steps: str) -> AbstractContextManager[Any]:
        return patch(DEATHS[wanted], _die) if wanted in steps else nullcontext()

    async with hotfix_scene(folder) as scene:
        with deadly("submit", "approve", "expose"):
            await scene.fix({"app.js": b"works()\n"}, n=1)
        with deadly("give"):
            await scene.give(1)
        with deadly("withdraw"):
            await scene.withdraw(1)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
