"""The same files under another sequence: a new digest, no upload, a review of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.offline_packages import Packed, pack
from sampan.platform.artifacts import resequence_service, submit_service
from sampan.platform.artifacts.admitting import Submission
from sampan.platform.artifacts.states import StateForbids, VersionState
from sampan.platform.artifacts.taking_in import IndexDiffers
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.engines.keys import workspace_key
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import Publishing, packed_app, publishing_in
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
S = VersionState


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path) as made:
        yield made


def _repacked(publishing: Publishing, packed: Packed, sequence: int) -> Packed:
    """Return what the publisher's machine makes of the very same files under another sequence."""
    from sampan.offline_packages import PackageReader

    folder = publishing.folder / f"again-{sequence}"
    with PackageReader(packed.index, packed.archive_path) as reader:
        for entry in packed.index.files:
            (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / entry.path).write_bytes(reader.read(entry.path))
    return pack(folder, publishing.folder / f"out-{sequence}", sequence=sequence)


async def _resequence(publishing: Publishing, old: int, packed: Packed) -> Version:
    submission = Submission(packed.index_bytes, await publishing.bodies(packed))
    return await resequence_service.resequence(publishing.core, WORKSPACE, publishing.publisher, APP, old, submission)


async def test_a_superseded_version_comes_again_and_is_published(publishing: Publishing) -> None:
    first = packed_app(publishing.folder, 1, files={"data/big.txt": "x" * 300_000})
    await publishing.submit(first)
    await submit_service.withdraw(publishing.core, WORKSPACE, publishing.publisher, APP, 1)
    await publishing.publish(2)
    again = _repacked(publishing, first, 3)
    version = await _resequence(publishing, 1, again)
    assert (version.state, version.resequenced_from) == (S.IN_REVIEW, 1)
    assert version.package.package_digest == again.digest != first.digest
    assert (await _resequence(publishing, 1, again)).candidate_id == version.candidate_id
    await publishing.approve(3)
    await publishing.expose()
    assert await publishing.states() == {1: S.SEQUENCE_SUPERSEDED, 2: S.PUBLISHED, 3: S.PUBLISHED}
    keys = publishing.core.objects.keys(workspace_key(WORKSPACE, "quarantine"))
    assert [key async for key in keys] == []


async def test_nothing_but_the_sequence_may_differ(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1))
    await submit_service.withdraw(publishing.core, WORKSPACE, publishing.publisher, APP, 1)
    other = packed_app(publishing.folder / "other", 2, files={"more.txt": "more"})
    with pytest.raises(IndexDiffers):
        await _resequence(publishing, 1, other)
    assert await publishing.states() == {1: S.WITHDRAWN}


async def test_a_published_version_is_not_resequenced(publishing: Publishing) -> None:
    first = packed_app(publishing.folder, 1)
    await publishing.submit(first)
    await publishing.approve(1)
    await publishing.expose()
    again = _repacked(publishing, first, 2)
    with pytest.raises(StateForbids):
        await _resequence(publishing, 1, again)
    assert await publishing.states() == {1: S.PUBLISHED}
