"""Whom a roll-back by one person may reach, and with which version: never more than two persons agreed to."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from test_miniapps_release_stages import FACES, Rollout, rollout_in

from sampan.platform.audience.facts import Facts
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.changes import approve
from sampan.platform.release import cap_rows, drafts, moves, rolling_back
from sampan.platform.release.decide import Context, decide
from sampan.platform.release.repository import Release, releases_of
from sampan.platform.release.snapshot import PART
from sampan.platform.release.stages import Stage, widest
from sampan.platform.release.states import ReleaseState, WrongReleaseState
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
ALL: dict[str, Any] = {"all": []}
HALF = [
    {"name": "20 %", "basis_points": 2000},
    {"name": "50 %", "basis_points": 5000},
    {"name": "rest", "basis_points": 10_000},
]
R = ReleaseState


@pytest.fixture
async def rollout(tmp_path: Path) -> AsyncIterator[Rollout]:
    """A bank whose version 1 is everybody's; 2 and 3 are published, and nobody ever released 2."""
    async with rollout_in(tmp_path) as found:
        await found.bank.publishing.publish(3)
        yield found


async def start(rollout: Rollout, sequence: int, **other: Any) -> Release:
    bank = rollout.bank
    draft = drafts.Draft("miniapp", APP, sequence, ALL, **other)
    made = await drafts.create_release(bank.core, WORKSPACE, bank.maker, draft)
    change = await bank.submit(made)
    await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    await bank.publishing.expose()
    return await bank.read(made.id)


async def back(rollout: Rollout, release: Release, to: int | None = None) -> None:
    bank = rollout.bank
    await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, release.id, cause="x", to=to)
    await bank.publishing.expose()


async def holders(rollout: Rollout, sequence: int) -> set[str]:
    """Return who of some devices is offered a version."""
    await rollout.bank.core.replica.poll()
    (snapshot,) = rollout.bank.core.replica.view(WORKSPACE).parts[PART].deliverables
    offers = {each: decide(Facts(Tier.FULL, device=each), Context(9), snapshot).candidate for each in FACES}
    return {device for device, offer in offers.items() if offer is not None and offer.sequence == sequence}


async def test_what_never_started_is_not_rolled_back_and_a_stranger_is_no_target(rollout: Rollout) -> None:
    bank = rollout.bank
    later = {"not_before_ms": rollout.clock() + 10**10}
    waiting = await start(rollout, 3, schedule=later, rollback_to=2)
    await moves.stop_release(bank.core, WORKSPACE, bank.maker, waiting.id, cause="x")
    with pytest.raises(WrongReleaseState):
        await back(rollout, waiting, to=2)
    async with bank.core.store.workspace(WORKSPACE).read() as tx:
        assert await rolling_back.rollback_targets(bank.core, tx, await bank.read(waiting.id)) == []
    running = await start(rollout, 3)
    with pytest.raises(rolling_back.NoRollbackTarget):
        await back(rollout, running, to=2)
    assert (await bank.read(running.id)).state is R.RUNNING
    assert await bank.offers(Tier.FULL) == [("install", 3)]


async def test_the_target_reaches_those_who_got_the_release_at_any_stage_and_nobody_else(rollout: Rollout) -> None:
    bank = rollout.bank
    release = await start(rollout, 3, stages=HALF, rollback_to=2)
    await moves.move_on(bank.core, WORKSPACE, bank.maker, release.id, cause="x")
    half = await holders(rollout, 3)
    await moves.narrow(bank.core, WORKSPACE, bank.maker, release.id, cause="x")
    assert await holders(rollout, 3) < half < set(FACES)
    await back(rollout, release)
    assert await holders(rollout, 2) == half
    async with bank.core.store.workspace(WORKSPACE).read() as tx:
        made = [each for each in await releases_of(tx, "miniapp", APP) if each.sequence == 2]
    assert [(each.stages, each.drawn_as) for each in made] == [((Stage("50 %", 5000),), release.id)]
    again = await start(rollout, 3, stages=HALF)  # what a roll-back made stands in no other release's way
    assert again.state is R.RUNNING
    await back(rollout, made[0], to=1)  # and draws the same people when it is rolled back itself
    assert await holders(rollout, 2) == set()


async def test_a_counted_release_takes_back_those_with_a_place_alone(rollout: Rollout) -> None:
    bank = rollout.bank
    release = await start(rollout, 3, cap={"customers": 2}, rollback_to=2)
    async with bank.core.store.workspace(WORKSPACE).write() as tx:
        await cap_rows.claim_places(tx, release.id, [(FACES[0],)], now_ms=1, is_over=False)
    await back(rollout, release)
    async with bank.core.store.workspace(WORKSPACE).write() as tx:
        (made,) = [each for each in await releases_of(tx, "miniapp", APP) if each.sequence == 2]
        asked = [(face,) for face in FACES[:3]]
        found = [
            await cap_rows.claim_places(tx, each, asked, now_ms=1, is_over=False) for each in (made.id, release.id)
        ]
    assert made.cap == release.cap
    assert found == [({FACES[0]}, True)] * 2


def test_the_widest_stages_are_kept_without_what_moves_them_on() -> None:
    testers = {"attr": "tier", "op": "in", "values": ["full"]}
    few, more, some, tested = Stage("1", 100), Stage("2", 500), Stage("3", 900, testers), Stage("4", 300, testers)
    assert widest([few, more]) == [more]
    assert widest([tested, some, more]) == [more, some]
    assert widest([some, tested, Stage("all", 10_000)]) == [Stage("all", 10_000)]
