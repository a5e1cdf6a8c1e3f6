"""An approved release waits until its schedule opens, then starts by itself, or ends when it cannot start any more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from test_miniapps_release_stages import MINUTE, PLAN, Rollout, rollout_in

from sampan.platform.ids import new_id
from sampan.platform.release import freezes, kills, moves
from sampan.platform.release.conflicts import ReleaseConflict
from sampan.platform.release.repository import add_release
from sampan.platform.release.states import ReleaseState
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
R = ReleaseState


@pytest.fixture
async def rollout(tmp_path: Path) -> AsyncIterator[Rollout]:
    async with rollout_in(tmp_path) as opened:
        yield opened


async def refused_fields(rollout: Rollout, **schedule: int) -> list[str]:
    with pytest.raises(ReleaseConflict) as refused:
        await rollout.start(schedule=schedule)
    return [each["field"] for each in refused.value.facts["conflicts"]]


async def test_it_starts_when_the_schedule_opens(rollout: Rollout) -> None:
    made = await rollout.start(schedule={"not_before_ms": rollout.clock() + 10 * MINUTE})
    assert made.state is R.APPROVED
    await rollout.look(minutes=9)
    assert ((await rollout.bank.read(made.id)).state, await rollout.reach()) == (R.APPROVED, set())
    await rollout.look(minutes=1)
    started = await rollout.bank.read(made.id)
    assert (started.state, started.started_ms) == (R.RUNNING, rollout.clock())
    assert await rollout.reach()


async def test_a_freeze_holds_the_start_back(rollout: Rollout) -> None:
    now_ms = rollout.clock()
    made = await rollout.start(schedule={"not_before_ms": now_ms + 10 * MINUTE})
    bank = rollout.bank
    until_ms = now_ms + 30 * MINUTE
    await freezes.add_freeze(bank.core, WORKSPACE, bank.maker, from_ms=now_ms, until_ms=until_ms, reason="quarter")
    await rollout.look(minutes=29)
    assert (await bank.read(made.id)).state is R.APPROVED
    await rollout.look(minutes=1)
    assert (await bank.read(made.id)).state is R.RUNNING


async def test_what_can_no_longer_start_is_stopped(rollout: Rollout) -> None:
    made = await rollout.start(schedule={"not_before_ms": rollout.clock() + 10 * MINUTE})
    bank = rollout.bank
    await kills.kill_version(
        bank.core,
        WORKSPACE,
        bank.maker,
        kind="miniapp",
        deliverable_id=APP,
        sequence=2,
        reason="data_leak",
        cause="a test",
    )
    await rollout.look(minutes=11)
    stopped = await bank.read(made.id)
    assert (stopped.state, stopped.cause) == (R.STOPPED, "the version can be released no longer")


async def test_what_came_up_while_it_waited_stops_it_with_the_sentence(rollout: Rollout) -> None:
    """The approval would have refused it; two partial releases must not begin side by side either."""
    opens_ms = rollout.clock() + 10 * MINUTE
    waits = await rollout.start(schedule={"not_before_ms": opens_ms})
    bank = rollout.bank
    async with bank.core.store.workspace(WORKSPACE).write() as tx:  # as if another had been approved before this rule
        other = replace(waits, id=new_id("rel"), state=R.RUNNING, started_ms=1, row_revision=1)
        await add_release(tx, other)
    await rollout.look(minutes=11)
    stopped = await bank.read(waits.id)
    assert (stopped.state, "both may mean the same devices" in stopped.cause) == (R.STOPPED, True)


async def test_a_person_may_stop_what_waits(rollout: Rollout) -> None:
    made = await rollout.start(schedule={"not_before_ms": rollout.clock() + 10 * MINUTE})
    await moves.stop_release(rollout.bank.core, WORKSPACE, rollout.bank.maker, made.id, cause="no")
    await rollout.look(minutes=20)
    assert ((await rollout.bank.read(made.id)).state, await rollout.reach()) == (R.STOPPED, set())


async def test_a_schedule_that_is_over_or_too_short_is_refused(rollout: Rollout) -> None:
    now_ms = rollout.clock()
    assert await refused_fields(rollout, not_after_ms=now_ms) == ["schedule"]
    assert PLAN[0]["min_minutes"] == 30
    assert await refused_fields(rollout, not_after_ms=now_ms + 30 * MINUTE) == ["schedule.not_after_ms"]
    assert (await rollout.start(schedule={"not_after_ms": now_ms + 31 * MINUTE})).state is R.RUNNING


async def test_places_that_end_before_the_start_are_refused(rollout: Rollout) -> None:
    opens_ms = rollout.clock() + 10 * MINUTE
    with pytest.raises(ReleaseConflict) as refused:
        await rollout.start(schedule={"not_before_ms": opens_ms}, cap={"customers": 5, "until_ms": opens_ms})
    assert [each["code"] for each in refused.value.facts["conflicts"]] == ["cap_over"]
