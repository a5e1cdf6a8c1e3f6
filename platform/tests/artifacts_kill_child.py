"""Run by test_artifacts_crash: a server that kills itself, without a word, in the middle of a named step."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sampan.platform.testing_artifacts import packed_app, publishing_in


async def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


DEATHS = {
    "upload": "sampan.platform.artifacts.uploads_repository.insert_upload",
    "submit": "sampan.platform.artifacts.candidates_repository.insert_candidate",
    "approve": "sampan.platform.artifacts.candidates_repository.mark_countersigned",
}


async def main(folder: Path, step: str) -> None:
    """Go to the step and die there."""
    async with publishing_in(folder) as publishing:
        with patch(DEATHS[step], _die):
            await publishing.submit(packed_app(folder, 1))
            await publishing.approve(1)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
