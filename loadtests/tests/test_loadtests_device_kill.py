"""kill -9 in the middle of a round: the device goes on where it was, with the old version or the new one."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from device_scene import Scene, opened_scene, shown
from sqlalchemy import select

from sampan.loadtests.device import SimulatedDevice
from sampan.platform.insight.delivery_rows import reached_by_release
from sampan.platform.insight.repository import events
from sampan.platform.insight.schemas import Stage
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
CHILD = Path(__file__).with_name("device_round_child.py")
BEFORE_THE_SWITCH = ("memory_written", "role_renamed", "archive_chunk", "files_verified", "version_placed")
AFTER_THE_SWITCH = ("pointer_renamed", "switched", "boot_counted", "confirmed")
FIRST = ("session_written", "session_renamed")


async def killed_rounds(scene: Scene, steps: tuple[str, ...]) -> None:
    """Let the device of each step do a round that is killed there."""
    folder = scene.publishing.folder / "devices"
    command = [sys.executable, str(CHILD), str(folder), scene.url, WORKSPACE, str(scene.core.now_ms()), *steps]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def numbers(scene: Scene, device: SimulatedDevice) -> list[int]:
    statement = select(events.c.seq).where(
        events.c.workspace_id == WORKSPACE, events.c.device_id == device.session.kept.device
    )
    async with scene.core.store.workspace(WORKSPACE).read() as tx:
        return sorted(row.seq for row in await tx.execute(statement))


async def test_an_update_killed_at_any_step_is_finished_after_the_restart(tmp_path: Path) -> None:
    steps = (*BEFORE_THE_SWITCH, *AFTER_THE_SWITCH)
    async with opened_scene(tmp_path) as scene:
        for name in steps:
            assert (await scene.round(scene.device(name))).apps("opened") == {APP: 1}
        made = await scene.publish_and_release(2)
        await killed_rounds(scene, steps)
        for name in steps:
            device = scene.device(name)
            assert shown(device) == (1 if name in BEFORE_THE_SWITCH else 2), name
            done = await scene.round(device)
            assert (done.codes(), done.apps("opened")) == ({}, {APP: 2}), name
            assert device.memory.facts.events == []
            assert await numbers(scene, device) == list(range(1, device.memory.facts.next_seq)), name
        async with scene.core.store.workspace(WORKSPACE).read() as tx:
            found = await reached_by_release(tx, made.id)
            assert {each.stage: each.devices for each in found} == {Stage.BOOTED: len(steps)}


async def test_a_first_start_killed_at_its_session_starts_again(tmp_path: Path) -> None:
    async with opened_scene(tmp_path) as scene:
        await killed_rounds(scene, FIRST)
        for name in FIRST:
            assert (await scene.round(scene.device(name))).apps("opened") == {APP: 1}
