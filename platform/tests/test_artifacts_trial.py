"""Trial: open to named testers after the automatic checks, on a tree of its own, long before any approval."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sampan.platform.artifacts import apps_service, resign_service
from sampan.platform.artifacts.apps_repository import list_testers
from sampan.platform.artifacts.apps_service import MAX_TESTERS, subjects_of
from sampan.platform.artifacts.problems import TooManyTesters
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.storage import target_keys
from sampan.platform.artifacts.trial_part import TrialPart, TrialVersion
from sampan.platform.operators.actor import MissingPermission
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import Publishing, packed_app, publishing_in
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
S = VersionState
DEVICE, CUSTOMER = "dev_" + "1" * 32, "cus_" + "2" * 32


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path) as made:
        yield made


def _part(publishing: Publishing) -> TrialPart:
    part: Any = publishing.core.replica.view(WORKSPACE).parts["trial"]
    assert isinstance(part, TrialPart)
    return part


async def _listed(publishing: Publishing, profile: str) -> list[str]:
    role = await publishing.parties.current(profile, f"app.{APP}")
    return sorted(role.targets) if role else []


async def test_a_version_is_on_trial_before_its_review_and_only_there(publishing: Publishing) -> None:
    version = await publishing.submit(packed_app(publishing.folder, 1), "intl", "trial")
    assert (version.state, version.is_trial) == (S.IN_REVIEW, False)
    await publishing.expose("trial")
    assert (await publishing.review(1)).version.is_trial
    assert await _listed(publishing, "trial") == [f"apps/{APP}/1/index.json", f"apps/{APP}/1/package.ma"]
    assert await _listed(publishing, "intl") == []


async def test_only_named_testers_find_it(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1), "intl", "trial")
    await publishing.expose("trial")
    await apps_service.set_testers(
        publishing.core, WORKSPACE, publishing.reviewer, APP, devices=[DEVICE], customers=[CUSTOMER]
    )
    await publishing.core.replica.poll()
    part = _part(publishing)
    assert isinstance(part.find(APP, 1, device_id=DEVICE, customer_id=None), TrialVersion)
    assert isinstance(part.find(APP, 1, device_id="dev_other", customer_id=CUSTOMER), TrialVersion)
    assert part.find(APP, 1, device_id="dev_other", customer_id=None) is None
    assert part.find(APP, 1, device_id=CUSTOMER, customer_id=DEVICE) is None
    assert part.find(APP, 2, device_id=DEVICE, customer_id=None) is None
    await apps_service.set_testers(publishing.core, WORKSPACE, publishing.reviewer, APP, devices=[], customers=[])
    await publishing.core.replica.poll()
    assert _part(publishing).find(APP, 1, device_id=DEVICE, customer_id=None) is None


async def test_two_who_name_testers_at_once_take_nothing_from_each_other(publishing: Publishing) -> None:
    core, actor = publishing.core, publishing.reviewer
    named = subjects_of([f"dev_{n:03}" for n in range(MAX_TESTERS - 1)], [])
    await apps_service.change_testers(core, WORKSPACE, actor, APP, add=named, remove=())
    mine, theirs = subjects_of([], [CUSTOMER]), subjects_of(["dev_000"], [])
    await apps_service.change_testers(core, WORKSPACE, actor, APP, add=mine, remove=())
    await apps_service.change_testers(core, WORKSPACE, actor, APP, add=(), remove=theirs)
    async with core.store.workspace(WORKSPACE).read() as tx:
        now = {(each.kind, each.subject_id) for each in await list_testers(tx, APP)}
    assert now == (named | mine) - theirs
    with pytest.raises(TooManyTesters):
        await apps_service.change_testers(core, WORKSPACE, actor, APP, add=subjects_of(["a", "b"], []), remove=())


async def test_a_publisher_does_not_name_testers(publishing: Publishing) -> None:
    with pytest.raises(MissingPermission):
        await apps_service.set_testers(
            publishing.core, WORKSPACE, publishing.publisher, APP, devices=[DEVICE], customers=[]
        )


async def test_failed_checks_open_no_trial(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1, files={"refuse-me.txt": "x"})
    version = await publishing.submit(packed, "intl", "trial")
    assert version.state is S.CHECKS_FAILED
    assert await _listed(publishing, "trial") == []
    archive = f"sha256:{packed.index.archive.sha256}"
    keys = target_keys(WORKSPACE, index_digest=packed.digest, archive_digest=archive)
    assert not await publishing.core.objects.exists(keys.package)


async def test_a_trial_body_whose_base_moved_holds_nothing_up_and_may_follow(publishing: Publishing) -> None:
    second = packed_app(publishing.folder, 2)
    stale = await publishing.bodies(second, "intl", "trial")
    await publishing.submit(packed_app(publishing.folder, 1), "intl", "trial")
    version = await publishing.submit_with(second, stale)
    assert (version.state, version.trial_note) == (S.UPLOADED, "body_base_moved")
    fresh = await publishing.bodies(second, "trial")
    signed = await resign_service.resign(publishing.core, WORKSPACE, publishing.publisher, APP, 2, fresh)
    assert (signed.state, signed.trial_note) == (S.UPLOADED, "")
    await publishing.expose("trial")
    assert (await publishing.review(2)).version.is_trial
    assert await publishing.states() == {1: S.IN_REVIEW, 2: S.UPLOADED}


async def test_a_trial_sequence_below_a_trialled_one_is_noted(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 5), "intl", "trial")
    lower = packed_app(publishing.folder, 4)
    bodies = await publishing.bodies(lower, "intl")
    bodies["trial"] = await publishing.body_out_of_order(lower, "trial")
    version = await publishing.submit_with(lower, bodies)
    assert (version.state, version.trial_note) == (S.UPLOADED, "sequence_superseded")


async def test_a_trialled_version_is_published_like_any_other(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1), "intl", "trial")
    await publishing.expose("trial")
    await publishing.approve(1)
    await publishing.expose("intl")
    detail = await publishing.review(1)
    assert (detail.version.state, detail.version.is_trial) == (S.PUBLISHED, True)
