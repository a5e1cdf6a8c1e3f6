"""What operators are told of releases: a gate that stopped one, an approval that waits, a gate that hears nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_miniapps_release_stages import PLAN, Rollout, rollout_in

from sampan.platform.insight.schemas import Stage
from sampan.platform.operators.attention import Matter, Severity
from sampan.platform.operators.attention_sources import waiting_changes
from sampan.platform.release import attention, drafts, moves
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
DAY = 24 * 60


@pytest.fixture
async def rollout(tmp_path: Path) -> AsyncIterator[Rollout]:
    async with rollout_in(tmp_path) as opened:
        yield opened


async def matters(rollout: Rollout) -> list[Matter]:
    core = rollout.bank.core
    async with core.store.workspace(WORKSPACE).read() as tx:
        return [*await attention.paused_releases(core, tx), *await attention.stale_gates(core, tx)]


async def test_an_automatic_stop_is_told_with_its_numbers_and_a_pause_is_told_as_one(rollout: Rollout) -> None:
    devices = await rollout.register(12)
    rollout.clock.now_ms += 1
    release = await rollout.start()
    await rollout.tell(release, devices[:8], Stage.FAILED)
    await rollout.tell(release, devices[8:], Stage.BOOTED)
    await rollout.look()
    (told,) = await matters(rollout)
    assert (told.kind, told.severity, told.scope) == ("release_stopped_by_gate", Severity.ERROR, {"app": APP})
    assert "8 of 12 devices failed" in told.en
    assert "12 台设备中有 8 台失败" in told.zh
    assert told.link == f"/releases/{release.id}"


async def test_what_a_person_paused_is_no_alarm(rollout: Rollout) -> None:
    release = await rollout.start()
    await rollout.look()
    await moves.pause_release(rollout.bank.core, WORKSPACE, rollout.bank.maker, release.id, cause="lunch")
    assert [(each.kind, each.severity) for each in await matters(rollout)] == [("release_paused", Severity.WARNING)]


async def test_a_gate_without_news_is_told_after_its_stage_and_the_policys_time(rollout: Rollout) -> None:
    release = await rollout.start()  # its first stage lasts 30 minutes
    await rollout.look(minutes=DAY + 29)
    assert await matters(rollout) == []
    await rollout.look(minutes=1)
    (told,) = await matters(rollout)
    assert (told.kind, told.severity, told.since_ms) == ("release_gate_stale", Severity.WARNING, release.stage_since_ms)
    devices = await rollout.register(1)
    await rollout.tell(release, devices, Stage.BOOTED)
    await rollout.look()  # this device registered after the start: it is no news
    assert len(await matters(rollout)) == 1


async def test_news_of_one_device_begins_the_time_anew(rollout: Rollout) -> None:
    devices = await rollout.register(1)
    rollout.clock.now_ms += 1
    release = await rollout.start()
    await rollout.look(minutes=DAY)
    await rollout.tell(release, devices, Stage.BOOTED)
    await rollout.look(minutes=20)
    await rollout.look(minutes=DAY)
    assert await matters(rollout) == []
    await rollout.look(minutes=31)
    assert [each.kind for each in await matters(rollout)] == ["release_gate_stale"]


async def test_the_last_stage_waits_for_no_gate(rollout: Rollout) -> None:
    await rollout.start([{**PLAN[0], "advance": "person", "basis_points": 10_000}])
    await rollout.look(minutes=3 * DAY)
    assert await matters(rollout) == []


async def test_a_release_that_waits_for_approval_is_told_to_who_may_approve(rollout: Rollout) -> None:
    bank = rollout.bank
    made = await drafts.create_release(bank.core, WORKSPACE, bank.maker, drafts.Draft("miniapp", APP, 2, {"all": []}))
    await bank.submit(made)
    async with bank.core.store.workspace(WORKSPACE).read() as tx:
        (told,) = await waiting_changes(bank.core, tx)
    assert (told.kind, told.permission) == ("change_waiting", "release:approve")
    assert told.concerns(bank.checker)
    assert not told.concerns(bank.maker)
