"""Bodies without a package: one more year, and the empty role of an archived app."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sampan.offline_packages.publishing import archived_app_body, renewed_app_body
from sampan.offline_packages.signed_bytes import sign_body
from sampan.platform.artifacts import apps_service, renewal_service
from sampan.platform.artifacts.candidates_repository import Candidate
from sampan.platform.artifacts.problems import AppArchived, NothingToRenew, RenewalOpen, RenewalUnknown, ReviewStale
from sampan.platform.artifacts.renewal_service import NotARenewal
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.engines.paging import Paging
from sampan.platform.operators.actor import Actor
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import REVIEWER_RIGHTS, Publishing, packed_app, person, publishing_in
from sampan.platform.testing_trust import APP, DAY_MS
from sampan.platform.trust.body_checks import BaseMoved, BodyDiffers

pytestmark = pytest.mark.anyio
S = VersionState


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path) as made:
        yield made


async def renewals(core: Core, actor: Actor) -> list[tuple[Candidate, str]]:
    return (await renewal_service.list_renewals(core, WORKSPACE, actor, APP, Paging())).items


async def _bodies(publishing: Publishing, make: Any, *profiles: str) -> dict[str, bytes]:
    found = {}
    for profile in profiles or ("intl",):
        current = await publishing.parties.current(profile, f"app.{APP}")
        assert current is not None
        body = make(current, now_ms=publishing.core.now_ms())
        found[profile] = sign_body(body, publishing.parties.publisher[profile])
    return found


async def _submit(publishing: Publishing, bodies: dict[str, bytes], kind: str = "renewal") -> Candidate:
    return await renewal_service.submit_renewal(
        publishing.core, WORKSPACE, publishing.publisher, APP, kind=kind, bodies=bodies
    )


async def _approve(publishing: Publishing, renewal: Candidate) -> Candidate:
    found = await renewals(publishing.core, publishing.reviewer)
    digest = next(digest for each, digest in found if each.id == renewal.id)
    return await renewal_service.approve_renewal(
        publishing.core, WORKSPACE, publishing.reviewer, APP, renewal.id, digest=digest
    )


async def test_a_renewal_moves_the_expiry_and_nothing_else(publishing: Publishing) -> None:
    await publishing.publish(1)
    before = await publishing.parties.current("intl", f"app.{APP}")
    clock: Any = publishing.core.now_ms
    clock.now_ms += 300 * DAY_MS
    renewal = await _submit(publishing, await _bodies(publishing, renewed_app_body))
    assert renewal.state is S.IN_REVIEW
    assert (await _approve(publishing, renewal)).state is S.APPROVED
    await publishing.expose()
    after = await publishing.parties.current("intl", f"app.{APP}")
    assert before is not None
    assert after is not None
    assert (after.version, after.targets) == (before.version + 1, before.targets)
    assert (after.expires - before.expires).days == 300
    [(found, _)] = await renewals(publishing.core, publishing.reviewer)
    assert found.state is S.PUBLISHED
    assert await publishing.states() == {1: S.PUBLISHED}


async def test_a_renewal_asks_waiting_versions_for_a_signature(publishing: Publishing) -> None:
    await publishing.publish(1)
    await publishing.submit(packed_app(publishing.folder, 2))
    renewal = await _submit(publishing, await _bodies(publishing, renewed_app_body))
    await _approve(publishing, renewal)
    await publishing.expose()
    assert await publishing.states() == {1: S.PUBLISHED, 2: S.NEEDS_SIGNATURE}


async def test_a_renewal_whose_base_moved_is_replaced_by_the_next(publishing: Publishing) -> None:
    await publishing.publish(1)
    renewal = await _submit(publishing, await _bodies(publishing, renewed_app_body))
    with pytest.raises(RenewalOpen):
        await _submit(publishing, await _bodies(publishing, renewed_app_body))
    await publishing.publish(2)
    with pytest.raises(BaseMoved):
        await _approve(publishing, renewal)
    second = await _submit(publishing, await _bodies(publishing, renewed_app_body))
    await _approve(publishing, second)
    found = await renewals(publishing.core, publishing.reviewer)
    assert [each.state for each, _ in found] == [S.APPROVED, S.WITHDRAWN]


async def test_a_renewal_that_is_none_is_refused(publishing: Publishing) -> None:
    with pytest.raises(NothingToRenew):
        await _submit(publishing, {"intl": b"{}"})
    await publishing.publish(1)
    with pytest.raises(NotARenewal):
        await _submit(publishing, await _bodies(publishing, archived_app_body))
    with pytest.raises(NotARenewal):
        await _submit(publishing, await _bodies(publishing, renewed_app_body), kind="archive")
    with pytest.raises(NotARenewal):
        await _submit(publishing, await publishing.bodies(packed_app(publishing.folder, 2)))

    await publishing.publish(3)

    def fewer(current: Any, *, now_ms: int) -> Any:
        body = renewed_app_body(current, now_ms=now_ms)
        for name in ("index.json", "package.ma"):
            body.targets.pop(f"apps/{APP}/1/{name}")
        return body

    with pytest.raises(BodyDiffers):
        await _submit(publishing, await _bodies(publishing, fewer))
    assert await renewals(publishing.core, publishing.reviewer) == []


async def test_a_renewal_is_reviewed_withdrawn_and_rejected_like_a_version(publishing: Publishing) -> None:
    await publishing.publish(1)
    core = publishing.core
    first = await _submit(publishing, await _bodies(publishing, renewed_app_body))
    with pytest.raises(ReviewStale):
        await renewal_service.approve_renewal(
            core, WORKSPACE, publishing.reviewer, APP, first.id, digest=f"sha256:{'0' * 64}"
        )
    withdrawn = await renewal_service.withdraw_renewal(core, WORKSPACE, publishing.publisher, APP, first.id)
    assert withdrawn.state is S.WITHDRAWN
    second = await _submit(publishing, await _bodies(publishing, renewed_app_body))
    found = await renewals(core, publishing.reviewer)
    rejected = await renewal_service.reject_renewal(
        core, WORKSPACE, publishing.reviewer, APP, second.id, digest=found[0][1], comment="Archive it instead."
    )
    assert rejected.state is S.REJECTED
    with pytest.raises(RenewalUnknown):
        await renewal_service.withdraw_renewal(core, WORKSPACE, publishing.publisher, APP, "ren_none")


async def test_an_archived_app_keeps_an_empty_role_and_takes_nothing_more(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1), "intl", "trial")
    await publishing.approve(1)
    await publishing.expose("trial")
    await publishing.expose()
    bodies = await _bodies(publishing, archived_app_body, "intl", "trial")
    await _approve(publishing, await _submit(publishing, bodies, kind="archive"))
    await publishing.expose("trial")
    await publishing.expose()
    assert await publishing.states() == {1: S.ARCHIVED}
    for profile in ("intl", "trial"):
        role = await publishing.parties.current(profile, f"app.{APP}")
        assert role is not None
        assert role.targets == {}
    reader = person("reader", REVIEWER_RIGHTS)
    assert (await apps_service.get_app(publishing.core, WORKSPACE, reader, APP)).app.archived_ms is not None
    with pytest.raises(AppArchived):
        await publishing.submit(packed_app(publishing.folder, 2))
