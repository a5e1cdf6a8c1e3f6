"""What is left of versions that were rejected or withdrawn: their files for a while, their rows for good."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sampan.platform.artifacts import quarantine, submit_service
from sampan.platform.artifacts.lookups import find, index_bytes_of
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.storage import VersionFilesGone, candidate_keys
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import Publishing, packed_app, publishing_in
from sampan.platform.testing_trust import APP, DAY_MS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path) as made:
        yield made


async def _withdrawn(publishing: Publishing, sequence: int) -> Version:
    await publishing.submit(packed_app(publishing.folder, sequence))
    return await submit_service.withdraw(publishing.core, WORKSPACE, publishing.publisher, APP, sequence)


async def _has_files(publishing: Publishing, version: Version) -> list[bool]:
    keys = candidate_keys(WORKSPACE, version.source_id)
    return [await publishing.core.objects.exists(key) for key in (keys.index, keys.package)]


async def test_files_of_a_withdrawn_version_go_after_thirty_days_and_its_row_stays(publishing: Publishing) -> None:
    core = publishing.core
    clock: Any = core.now_ms
    version = await _withdrawn(publishing, 1)
    clock.now_ms += 30 * DAY_MS - 1
    assert await quarantine.sweep(core, WORKSPACE) == 0
    assert await _has_files(publishing, version) == [True, True]
    clock.now_ms += 2
    assert await quarantine.sweep(core, WORKSPACE) == 2
    assert await _has_files(publishing, version) == [False, False]
    async with core.store.workspace(WORKSPACE).read() as tx:
        assert (await find(tx, APP, 1)).state is VersionState.WITHDRAWN
    with pytest.raises(VersionFilesGone):
        await index_bytes_of(core, WORKSPACE, version)


async def test_files_of_versions_that_wait_or_are_published_stay(publishing: Publishing) -> None:
    core = publishing.core
    clock: Any = core.now_ms
    await publishing.submit(packed_app(publishing.folder, 1))
    await publishing.approve(1)
    await publishing.expose()
    waiting = await publishing.submit(packed_app(publishing.folder, 2))
    clock.now_ms += 60 * DAY_MS
    assert await quarantine.sweep(core, WORKSPACE) == 0
    assert await _has_files(publishing, waiting) == [True, True]


async def test_a_version_that_was_sent_again_counts_from_its_last_state(publishing: Publishing) -> None:
    core = publishing.core
    clock: Any = core.now_ms
    packed = packed_app(publishing.folder, 1)
    version = await publishing.submit(packed)
    await submit_service.withdraw(core, WORKSPACE, publishing.publisher, APP, 1)
    clock.now_ms += 20 * DAY_MS
    await publishing.submit(packed)
    await submit_service.withdraw(core, WORKSPACE, publishing.publisher, APP, 1)
    clock.now_ms += 20 * DAY_MS
    assert await quarantine.sweep(core, WORKSPACE) == 0
    assert await _has_files(publishing, version) == [True, True]


async def test_what_lost_its_archive_is_not_sent_again(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1)
    version = await publishing.submit(packed)
    version = await submit_service.withdraw(publishing.core, WORKSPACE, publishing.publisher, APP, 1)
    await publishing.core.objects.delete(candidate_keys(WORKSPACE, version.source_id).package)
    with pytest.raises(VersionFilesGone):
        await publishing.submit(packed)
    async with publishing.core.store.workspace(WORKSPACE).read() as tx:
        assert (await find(tx, APP, 1)).state is VersionState.WITHDRAWN
