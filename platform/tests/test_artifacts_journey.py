"""From upload to published: the whole way through the use cases, with real keys and real packages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.offline_packages.roles import app_role
from sampan.platform.artifacts import killing, published
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.storage import candidate_keys, target_keys
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import SYSTEM, Publishing, packed_app, publishing_in
from sampan.platform.testing_trust import APP
from sampan.platform.trust import service as trust

pytestmark = pytest.mark.anyio
S = VersionState


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path) as made:
        yield made


async def test_a_submitted_version_is_reviewed_approved_and_published(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1)
    submitted = await publishing.submit(packed)
    assert submitted.state is S.IN_REVIEW
    assert submitted.package.package_digest == packed.digest
    assert (await publishing.approve(1)).state is S.APPROVED
    await publishing.expose()
    detail = await publishing.review(1)
    assert detail.version.state is S.PUBLISHED
    assert [entry.state for entry in detail.history] == [S.UPLOADED, S.IN_REVIEW, S.APPROVED, S.PUBLISHED]
    assert [body.is_exposed for body in detail.bodies] == [True]


async def test_nothing_is_among_the_targets_before_the_approval(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1)
    version = await publishing.submit(packed)
    targets = target_keys(WORKSPACE, index_digest=packed.digest, archive_digest=f"sha256:{packed.index.archive.sha256}")
    objects = publishing.core.objects
    assert await objects.exists(candidate_keys(WORKSPACE, version.source_id).package)
    assert not await objects.exists(targets.package)
    assert not await objects.exists(targets.index)
    await publishing.approve(1)
    assert await objects.get(targets.package, 10**6) == packed.archive_path.read_bytes()
    assert await objects.get(targets.index, 10**6) == packed.index_bytes


async def test_the_role_lists_what_was_approved(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1)
    await publishing.submit(packed)
    await publishing.approve(1)
    role = await publishing.parties.current("intl", app_role(APP))
    assert role is not None
    assert role.targets[f"apps/{APP}/1/index.json"].hashes["sha256"] == packed.digest.partition(":")[2]


async def test_the_floor_above_finds_what_is_published(publishing: Publishing) -> None:
    await publishing.publish(1)
    await publishing.publish(2)
    core = publishing.core
    async with core.store.workspace(WORKSPACE).read() as tx:
        found = await published.published_versions(tx, APP)
        pairs = await published.find_published(tx, [(APP, 1), (APP, 9), ("bank.other", 1)])
    assert [each.sequence for each in found] == [2, 1]
    assert list(pairs) == [(APP, 1)]
    part = core.replica.view(WORKSPACE).parts["artifacts"]
    assert [each.sequence for each in part[APP]] == [2, 1]


async def test_a_killed_version_is_published_no_more_and_may_come_back(publishing: Publishing) -> None:
    await publishing.publish(1)
    core = publishing.core
    async with core.store.workspace(WORKSPACE).write() as tx:
        await killing.mark_killed(core, tx, APP, 1, code="bug", actor=SYSTEM)
    async with core.store.workspace(WORKSPACE).read() as tx:
        assert await published.published_versions(tx, APP) == []
    assert await publishing.states() == {1: S.KILLED}
    assert (await publishing.review(1)).version.killed_code == "bug"
    async with core.store.workspace(WORKSPACE).write() as tx:
        await killing.unmark_killed(core, tx, APP, 1, actor=SYSTEM)
    assert await publishing.states() == {1: S.PUBLISHED}


async def test_an_app_without_its_officers_signatures_cannot_publish(publishing: Publishing) -> None:
    from sampan.platform.artifacts import apps_service
    from sampan.platform.trust.bodies import AppNotDelegated

    await apps_service.create_app(
        publishing.core,
        WORKSPACE,
        SYSTEM,
        app_id="bank.demo.waiting",
        kind="miniapp",
        publisher_id=publishing.publisher_id,
    )
    packed = packed_app(publishing.folder, 1, app="bank.demo.waiting")
    with pytest.raises(AppNotDelegated):
        await publishing.submit(packed)
    async with publishing.core.store.workspace(WORKSPACE).read() as tx:
        assert len(await trust.waiting_bodies(tx, "intl")) == 1
