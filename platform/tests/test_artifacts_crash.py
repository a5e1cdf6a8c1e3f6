"""kill -9 between the files and the commit: after the next start nothing of the step is there to be seen."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.platform.artifacts import quarantine, review_service
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.engines.keys import workspace_key
from sampan.platform.engines.paging import Paging
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_artifacts import COMPONENTS, SYSTEM
from sampan.platform.testing_trust import APP, NOW_MS, Clock
from sampan.platform.trust import service as trust

pytestmark = pytest.mark.anyio
CHILD = Path(__file__).with_name("artifacts_kill_child.py")


@contextlib.asynccontextmanager
async def _after_the_kill(folder: Path, step: str) -> AsyncIterator[Core]:
    command = [sys.executable, str(CHILD), str(folder), step]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    clock = Clock(NOW_MS + 2 * quarantine.UPLOAD_LIFE_MS)
    async with running_core(folder / "server", components=COMPONENTS, now_ms=clock) as core:
        yield core


async def _files(core: Core, *folders: str) -> list[str]:
    found = [str(key) for name in folders async for key in core.objects.keys(workspace_key(WORKSPACE, name))]
    return found + [str(path) for path in core.objects.incoming.iterdir()]


@pytest.mark.parametrize("step", ["upload", "submit"])
async def test_an_upload_or_submission_that_was_cut_off_is_gone(tmp_path: Path, step: str) -> None:
    async with _after_the_kill(tmp_path, step) as core:
        assert (await review_service.list_versions(core, WORKSPACE, SYSTEM, APP, Paging())).items == []
        assert await _files(core, "targets") == []
        assert await _files(core, "quarantine", "candidates") != []
        assert await quarantine.sweep(core, WORKSPACE) >= 1
        assert await _files(core, "quarantine", "candidates") == []


async def test_an_approval_that_was_cut_off_did_not_happen(tmp_path: Path) -> None:
    async with _after_the_kill(tmp_path, "approve") as core:
        detail = await review_service.get_version(core, WORKSPACE, SYSTEM, APP, 1)
        assert detail.version.state is VersionState.IN_REVIEW
        assert [body.is_countersigned for body in detail.bodies] == [False]
        async with core.store.workspace(WORKSPACE).read() as tx:
            assert await trust.current_role(tx, "intl", f"app.{APP}") is None
        await quarantine.sweep(core, WORKSPACE)
        assert len(await _files(core, "candidates")) == 2
