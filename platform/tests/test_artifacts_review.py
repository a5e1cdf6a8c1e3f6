"""Review: one slot, exactly these bytes, a second person; and what an urgent third does to two who wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sampan.platform.artifacts import resign_service, review_service, submit_service
from sampan.platform.artifacts.lookups import candidate_of
from sampan.platform.artifacts.moves import move
from sampan.platform.artifacts.problems import OwnPublisher, ReviewStale
from sampan.platform.artifacts.states import StateForbids, VersionState
from sampan.platform.engines.keys import workspace_key
from sampan.platform.errors import SampanError
from sampan.platform.operators.actor import Actor, ActorKind, Grant, MissingPermission
from sampan.platform.operators.change_errors import BondedPair, MachinesNeverApprove, SamePerson
from sampan.platform.operators.operator_rows import bond
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import (
    PUBLISHER_RIGHTS,
    REVIEWER_RIGHTS,
    SYSTEM,
    Publishing,
    packed_app,
    person,
    publishing_in,
)
from sampan.platform.testing_trust import APP
from sampan.platform.trust.body_checks import BaseMoved

pytestmark = pytest.mark.anyio
S = VersionState


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path) as made:
        yield made


async def _approve_as(publishing: Publishing, actor: Actor, sequence: int, digest: str | None = None) -> None:
    seen = digest or (await publishing.review(sequence)).review_digest
    await review_service.approve(publishing.core, WORKSPACE, actor, APP, sequence, digest=seen)


async def test_two_candidates_and_an_urgent_third_in_between(publishing: Publishing) -> None:
    packed = {sequence: packed_app(publishing.folder, sequence) for sequence in (10, 20, 30)}
    await publishing.submit(packed[10])
    await publishing.submit(packed[30])
    assert await publishing.states() == {10: S.IN_REVIEW, 30: S.UPLOADED}
    await publishing.submit(packed[20], is_urgent=True)
    assert await publishing.states() == {10: S.IN_REVIEW, 20: S.UPLOADED, 30: S.UPLOADED}

    await submit_service.withdraw(publishing.core, WORKSPACE, publishing.publisher, APP, 10)
    assert await publishing.states() == {10: S.WITHDRAWN, 20: S.IN_REVIEW, 30: S.UPLOADED}
    await publishing.approve(20)
    assert await publishing.states() == {10: S.WITHDRAWN, 20: S.APPROVED, 30: S.UPLOADED}
    await publishing.expose()
    assert await publishing.states() == {10: S.WITHDRAWN, 20: S.PUBLISHED, 30: S.NEEDS_SIGNATURE}

    bodies = await publishing.bodies(packed[30])
    signed = await resign_service.resign(publishing.core, WORKSPACE, publishing.publisher, APP, 30, bodies)
    assert signed.state is S.IN_REVIEW
    await publishing.approve(30)
    await publishing.expose()
    assert (await publishing.states())[30] is S.PUBLISHED


async def test_a_reviewer_brings_the_urgent_one_forward_and_publishing_supersedes_the_lower(
    publishing: Publishing,
) -> None:
    for sequence in (10, 30, 20):
        await publishing.submit(packed_app(publishing.folder, sequence))
    await review_service.bring_forward(publishing.core, WORKSPACE, publishing.reviewer, APP, 20, note="leak")
    assert await publishing.states() == {10: S.UPLOADED, 20: S.IN_REVIEW, 30: S.UPLOADED}
    await publishing.approve(20)
    await publishing.expose()
    assert await publishing.states() == {10: S.SEQUENCE_SUPERSEDED, 20: S.PUBLISHED, 30: S.NEEDS_SIGNATURE}


async def test_nobody_is_brought_forward_past_an_approved_one(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1))
    await publishing.submit(packed_app(publishing.folder, 2))
    await publishing.approve(1)
    with pytest.raises(StateForbids):
        await review_service.bring_forward(publishing.core, WORKSPACE, publishing.reviewer, APP, 2, note="")
    assert await publishing.states() == {1: S.APPROVED, 2: S.UPLOADED}


async def test_of_two_approvals_at_once_one_holds(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1))
    others = [person(f"reviewer {n}", REVIEWER_RIGHTS) for n in range(4)]
    outcomes = await asyncio.gather(*(_approve_as(publishing, actor, 1) for actor in others), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["NoneType", *["StateForbids"] * 3]
    await publishing.expose()
    history = (await publishing.review(1)).history
    assert [entry.state for entry in history].count(S.APPROVED) == 1


async def test_an_approval_names_exactly_what_was_seen(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1)
    await publishing.submit(packed)
    seen = (await publishing.review(1)).review_digest
    clock: Any = publishing.core.now_ms
    clock.now_ms += 60_000
    bodies = await publishing.bodies(packed)
    await resign_service.resign(publishing.core, WORKSPACE, publishing.publisher, APP, 1, bodies)
    with pytest.raises(ReviewStale):
        await _approve_as(publishing, publishing.reviewer, 1, seen)
    assert await publishing.states() == {1: S.IN_REVIEW}
    keys = publishing.core.objects.keys(workspace_key(WORKSPACE, "targets"))
    assert [key async for key in keys] == []
    await publishing.approve(1)


def _machine(actor: Actor) -> Actor:
    return replace(actor, kind=ActorKind.MACHINE, via="tok_1")


async def test_makers_their_colleagues_and_machines_never_approve(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1))
    maker = replace(publishing.publisher, grants=(Grant("all", PUBLISHER_RIGHTS | REVIEWER_RIGHTS),))
    colleague_grants = (Grant("r", REVIEWER_RIGHTS), Grant("p", PUBLISHER_RIGHTS, publisher=publishing.publisher_id))
    colleague = replace(person("colleague", frozenset()), grants=colleague_grants)
    refused: list[tuple[Actor, type[SampanError]]] = [
        (maker, SamePerson),
        (colleague, OwnPublisher),
        (_machine(publishing.reviewer), MachinesNeverApprove),
        (publishing.publisher, MissingPermission),
    ]
    for actor, error in refused:
        with pytest.raises(error):
            await _approve_as(publishing, actor, 1)
    assert await publishing.states() == {1: S.IN_REVIEW}


async def test_a_bonded_pair_waits_for_another_person(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1))
    async with publishing.core.store.workspace(WORKSPACE).write() as tx:
        await bond(
            tx,
            [publishing.reviewer.person_id],
            publishing.publisher.person_id,
            reason="created",
            now_ms=publishing.core.now_ms(),
        )
    with pytest.raises(BondedPair):
        await publishing.approve(1)
    await _approve_as(publishing, person("another reviewer", REVIEWER_RIGHTS), 1)


async def test_the_database_itself_refuses_a_maker_who_checks(publishing: Publishing) -> None:
    from sqlalchemy import update
    from sqlalchemy.exc import IntegrityError

    from sampan.platform.artifacts.tables import candidates

    await publishing.submit(packed_app(publishing.folder, 1))
    statement = (
        update(candidates)
        .where(candidates.c.workspace_id == WORKSPACE)
        .values(decided_person_id=publishing.publisher.person_id)
    )
    with pytest.raises(IntegrityError, match="maker_is_not_checker"):
        async with publishing.core.store.workspace(WORKSPACE).write() as tx:
            await tx.execute(statement)


async def test_a_state_that_changed_since_it_was_read_is_not_overwritten(publishing: Publishing) -> None:
    version = await publishing.submit(packed_app(publishing.folder, 1))
    door = publishing.core.store.workspace(WORKSPACE)
    async with door.read() as tx:
        stale = await candidate_of(tx, version)
    await submit_service.withdraw(publishing.core, WORKSPACE, publishing.publisher, APP, 1)
    with pytest.raises(StateForbids):
        async with door.write() as tx:
            await move(publishing.core, tx, stale, S.REJECTED, cause="late", actor=SYSTEM)
    assert await publishing.states() == {1: S.WITHDRAWN}


async def test_a_rejection_tells_why_and_lets_the_next_in(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1))
    await publishing.submit(packed_app(publishing.folder, 2))
    seen = await publishing.review(1)
    await review_service.reject(
        publishing.core,
        WORKSPACE,
        publishing.reviewer,
        APP,
        1,
        digest=seen.review_digest,
        comment="The limit is missing.",
    )
    assert await publishing.states() == {1: S.REJECTED, 2: S.IN_REVIEW}
    detail = await publishing.review(1)
    assert [comment.text for comment in detail.comments] == ["The limit is missing."]
    assert detail.history[-1].note == "The limit is missing."
    with pytest.raises(StateForbids):
        await publishing.approve(1)


async def test_comments_stand_at_their_line(publishing: Publishing) -> None:
    await publishing.submit(packed_app(publishing.folder, 1))
    made = await review_service.add_comment(
        publishing.core, WORKSPACE, publishing.publisher, APP, 1, text="Why?", file="index.html", line=1
    )
    assert (await publishing.review(1)).comments == [made]


async def test_a_base_that_moved_before_the_approval_asks_for_a_signature(publishing: Publishing) -> None:
    """Another body of the role was stored meanwhile, as a rotation or a hotfix would."""
    await publishing.publish(1)
    packed = packed_app(publishing.folder, 3)
    await publishing.submit(packed)
    await _renew_role(publishing)
    with pytest.raises(BaseMoved):
        await publishing.approve(3)
    assert (await publishing.states())[3] is S.NEEDS_SIGNATURE
    bodies = await publishing.bodies(packed)
    await resign_service.resign(publishing.core, WORKSPACE, publishing.publisher, APP, 3, bodies)
    await publishing.approve(3)
    await publishing.expose()
    assert (await publishing.states())[3] is S.PUBLISHED


async def _renew_role(publishing: Publishing) -> None:
    from sampan.offline_packages.publishing import renewed_app_body
    from sampan.offline_packages.signed_bytes import sign_body
    from sampan.platform.trust import service as trust

    core = publishing.core
    current = await publishing.parties.current("intl", f"app.{APP}")
    assert current is not None
    body = sign_body(renewed_app_body(current, now_ms=core.now_ms()), publishing.parties.publisher["intl"])
    async with core.store.workspace(WORKSPACE).write() as tx:
        await trust.countersign(core, tx, profile="intl", app_id=APP, body=body, actor=SYSTEM)


async def test_a_body_that_follows_an_old_base_waits_for_a_signature_from_the_start(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 5)
    stale = await publishing.bodies(packed)
    await publishing.publish(1)
    version = await publishing.submit_with(packed, stale)
    assert version.state is S.NEEDS_SIGNATURE


async def test_a_withdrawn_version_may_come_back_unchanged(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1)
    await publishing.submit(packed)
    await submit_service.withdraw(publishing.core, WORKSPACE, publishing.publisher, APP, 1)
    again = await publishing.submit(packed)
    assert again.state is S.IN_REVIEW
    await publishing.approve(1)
    await publishing.expose()
    assert await publishing.states() == {1: S.PUBLISHED}


@pytest.mark.parametrize("step", ["withdraw", "resign", "recheck"])
async def test_a_published_version_takes_no_publishers_step(publishing: Publishing, step: str) -> None:
    await publishing.publish(1)
    arguments = (publishing.core, WORKSPACE, publishing.publisher, APP, 1)
    steps: dict[str, Callable[[], Awaitable[object]]] = {
        "withdraw": lambda: submit_service.withdraw(*arguments),
        "resign": lambda: resign_service.resign(*arguments, {}),
        "recheck": lambda: submit_service.recheck(*arguments),
    }
    with pytest.raises(StateForbids):
        await steps[step]()
    assert await publishing.states() == {1: S.PUBLISHED}
