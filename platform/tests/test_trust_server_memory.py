"""What a process remembers of the trees: whoever asks for files that are not there pushes none out."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.platform.core import Core
from sampan.platform.engines.keys import Key, workspace_key
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_trust import Clock
from sampan.platform.trust import memory as memory_module
from sampan.platform.trust.memory import TrustMemory

pytestmark = pytest.mark.anyio
HOT = workspace_key(WORKSPACE, "targets", "a" * 64)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=[], now_ms=Clock()) as core:
        yield core


def _absent(number: int) -> Key:
    return workspace_key(WORKSPACE, "targets", f"{number:064x}")


async def test_absent_names_push_no_file_out(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MAX_FILES", 3)
    monkeypatch.setattr(memory_module, "MAX_MISSES", 3)
    await core.objects.put(HOT, b"hot")
    memory = TrustMemory(core)
    hot = await memory.immutable(HOT)
    assert hot is not None
    for number in range(10):
        assert await memory.immutable(_absent(number)) is None
    assert await memory.immutable(HOT) is hot
    assert len(memory._misses) == 3


async def test_a_file_that_was_absent_is_found_after_a_second(core: Core) -> None:
    memory, clock = TrustMemory(core), core.now_ms
    assert isinstance(clock, Clock)
    assert await memory.immutable(HOT) is None
    await core.objects.put(HOT, b"hot")
    assert await memory.immutable(HOT) is None
    clock.now_ms += memory_module.CHANGING_MS
    found = await memory.immutable(HOT)
    assert found is not None
    assert found.body == b"hot"
    assert memory._misses == {}
