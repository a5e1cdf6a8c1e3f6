"""A gate and people at the same moment: two processes' cores on one database, and each change of a release once.

The cores share nothing but the files; a look is a job as in production. Whoever comes second finds another state.
"""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from test_miniapps_release_stages import GATE, MINUTE, Rollout, rollout

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.job_runner import JobKind, JobRunner
from sampan.platform.engines.jobs import Job, LeaseLost
from sampan.platform.errors import Conflict
from sampan.platform.insight.schemas import Stage
from sampan.platform.operators.changes import approve
from sampan.platform.release import drafts, looks, moves, repository, rolling_back, starting
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.judging import evidence_seen
from sampan.platform.release.looks import look_job
from sampan.platform.release.looks_rows import promise_look
from sampan.platform.release.repository import HistoryEntry, Release
from sampan.platform.release.states import MOVES, ReleaseState
from sampan.platform.testing import WORKSPACE
from sampan.platform.workspaces.runners import build_job_runner

__all__ = ["rollout"]
pytestmark = pytest.mark.anyio
R = ReleaseState
ROUNDS = 10 if os.environ.get("SAMPAN_LONG") == "1" else 2
STEADY: list[dict[str, Any]] = [
    {"name": name, "basis_points": share, "advance": "auto", "min_minutes": 1, "gate": GATE}
    for name, share in (("10 %", 1000), ("50 %", 5000))
]
STEADY.append({"name": "all", "basis_points": 10_000})
Act = Callable[["Race"], Awaitable[object]]


@dataclass
class Race:
    """A running release, and a second process that has opened the same bank."""

    rollout: Rollout
    other: Core
    release: Release

    @property
    def core(self) -> Core:
        return self.rollout.bank.core

    @property
    def maker(self) -> Any:
        return self.rollout.bank.maker

    async def again(self, plan: list[dict[str, Any]]) -> "Race":
        """Return the race with a release of its own, which began after all devices were registered."""
        self.rollout.clock.now_ms += 1
        return replace(self, release=await self.rollout.start(plan))

    async def fails(self, devices: Sequence[str]) -> None:
        await self.rollout.tell(self.release, list(devices), Stage.FAILED)

    async def look(self, core: Core | None = None) -> int:
        """Do the look that is due in one of the processes; return how many jobs it took."""
        core = core or self.core
        return await self.work(core, look_job(core))

    async def work(self, core: Core, kind: JobKind) -> int:
        """Do what is due of one kind."""
        runner = build_job_runner(core.store, [kind], now_ms=core.now_ms)
        begun = await runner.poll()
        await runner.idle()
        return begun

    async def state(self) -> ReleaseState:
        return (await self.rollout.bank.read(self.release.id)).state

    async def history(self) -> list[HistoryEntry]:
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            return await repository.history(tx, self.release.id)

    async def approve(self, core: Core, change: Any) -> None:
        await approve(core, WORKSPACE, self.rollout.bank.checker, change.id, digest=change.digest)


@pytest.fixture
async def race(rollout: Rollout) -> AsyncIterator[Race]:
    async with rollout.second_process() as other:
        await rollout.register(40)
        yield Race(rollout, other, await rollout.bank.draft(2))


async def _move_on(race: Race) -> object:
    return await moves.move_on(race.other, WORKSPACE, race.maker, race.release.id, cause="a person")


async def _pause(race: Race) -> object:
    return await moves.pause_release(race.other, WORKSPACE, race.maker, race.release.id, cause="a person")


async def _stop(race: Race) -> object:
    return await moves.stop_release(race.other, WORKSPACE, race.maker, race.release.id, cause="a person")


async def _roll_back(race: Race) -> object:
    return await rolling_back.roll_back_release(race.other, WORKSPACE, race.maker, race.release.id, cause="a person")


async def _look_too(race: Race) -> object:
    return await race.look(race.other)


RIVALS: dict[str, tuple[Act, ReleaseState]] = {
    "a person moves it on": (_move_on, R.PAUSED),
    "a person pauses it": (_pause, R.PAUSED),
    "a person stops it": (_stop, R.STOPPED),
    "a person rolls it back": (_roll_back, R.ROLLED_BACK),
    "a second worker looks": (_look_too, R.PAUSED),
}


async def _at_once(race: Race, rival: Act, _patch: pytest.MonkeyPatch) -> None:
    await asyncio.gather(race.look(), _ignoring_who_was_first(rival(race)))


async def _before_it_looks(race: Race, rival: Act, _patch: pytest.MonkeyPatch) -> None:
    """The worker has the job and has not begun to look."""
    kind = look_job(race.core)

    async def waits(job: Job) -> None:
        await _ignoring_who_was_first(rival(race))
        await kind.run(job)

    await race.work(race.core, JobKind(kind.kind, waits))


async def _while_it_looks(race: Race, rival: Act, patch: pytest.MonkeyPatch) -> None:
    """The worker has read the release as running and has not decided yet."""
    begun: list[asyncio.Future[None]] = []

    async def seen(tx: Transaction, release: Release) -> Evidence:
        begun.append(asyncio.ensure_future(_ignoring_who_was_first(rival(race))))
        await asyncio.sleep(0)
        return await evidence_seen(tx, release)

    with patch.context() as patched:
        patched.setattr(looks, "evidence_seen", seen)
        await race.look()
    await asyncio.gather(*begun)


MOMENTS = (_before_it_looks, _while_it_looks, *[_at_once] * ROUNDS)


@pytest.mark.parametrize(("rival", "ends"), RIVALS.values(), ids=RIVALS.keys())
async def test_a_stop_and_somebody_else_at_the_same_moment(
    race: Race, rival: Act, ends: ReleaseState, monkeypatch: pytest.MonkeyPatch
) -> None:
    for both in MOMENTS:
        race = await race.again(STEADY)
        await race.fails(race.rollout.devices)
        race.rollout.clock.now_ms += MINUTE
        await both(race, rival, monkeypatch)
        race.rollout.clock.now_ms += MINUTE
        await race.look()  # what was promised anew is done too
        assert await race.state() is ends
        await _each_change_was_one(race)
        await race.rollout.bank.publishing.expose()
        assert await race.rollout.reach() == set()  # nothing else offers the version
        with contextlib.suppress(Conflict):
            await _stop(race)


async def _ignoring_who_was_first(act: Awaitable[object]) -> None:
    with contextlib.suppress(Conflict):
        await act


async def _each_change_was_one(race: Race) -> None:
    """See that no change was lost, none was done twice, and each began where the last one had ended."""
    found = await race.history()
    assert [entry.row_revision for entry in found] == list(range(1, len(found) + 1))
    for before, after in pairwise(found):
        assert any(before.state in sources and after.state is to for sources, to in MOVES.values())
    stages = [entry.stage for entry in found]
    assert all(abs(before - after) <= 1 for before, after in pairwise(stages))
    told = Counter("gate" if "automatic stop" in entry.cause else entry.cause for entry in found if entry.cause)
    assert set(told.values()) <= {1}, told


async def test_a_look_holds_no_writer_up_and_decides_nothing_of_a_release_that_moved(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = await race.again(STEADY)
    await race.fails(race.rollout.devices)
    race.rollout.clock.now_ms += MINUTE

    async def seen(tx: Transaction, release: Release) -> Evidence:
        async with asyncio.timeout(60):
            await moves.move_on(race.core, WORKSPACE, race.maker, release.id, cause="a person")  # durable meanwhile
        return await evidence_seen(tx, release)

    with monkeypatch.context() as patched:
        patched.setattr(looks, "evidence_seen", seen)
        await race.look()
    assert (await race.state(), await race.rollout.looks(race.release)) == (R.RUNNING, [])
    race.rollout.clock.now_ms += MINUTE
    await race.look()
    assert await race.state() is R.PAUSED
    await _each_change_was_one(race)


async def test_two_workers_take_one_step(race: Race) -> None:
    for _ in range(ROUNDS):
        race = await race.again(STEADY)
        await race.rollout.tell(race.release, race.rollout.devices, Stage.BOOTED)
        race.rollout.clock.now_ms += MINUTE
        await asyncio.gather(race.look(), race.look(race.other))
        assert [look.why for look in await race.rollout.looks(race.release)] == ["passed"]
        assert [entry.stage for entry in await race.history() if entry.state is R.RUNNING] == [0, 1]
        await _stop(race)


async def test_a_worker_that_slept_through_its_lease_changes_nothing(race: Race) -> None:
    race = await race.again(STEADY)
    await race.rollout.tell(race.release, race.rollout.devices, Stage.BOOTED)
    race.rollout.clock.now_ms += MINUTE
    slept: list[Job] = []

    async def sleeps(job: Job) -> None:
        slept.append(job)
        await asyncio.Event().wait()

    workers = [_sleeping(core, sleeps) for core in (race.core, race.other)]
    for worker in workers:  # the second takes the job when the first one's lease is over
        assert await worker.poll() == 1
        await asyncio.sleep(0)
        race.rollout.clock.now_ms += MINUTE
    with pytest.raises(LeaseLost):
        await look_job(race.core).run(slept[0])
    assert (await race.rollout.bank.read(race.release.id)).stage == 0
    await look_job(race.other).run(slept[1])
    assert (await race.rollout.bank.read(race.release.id)).stage == 1
    for worker in workers:
        await worker.beat()  # it learns that the job is over, or another's
        await worker.idle()


def _sleeping(core: Core, sleeps: Callable[[Job], Awaitable[None]]) -> JobRunner:
    """Return a worker that falls asleep over each look."""
    return build_job_runner(core.store, [JobKind(look_job(core).kind, sleeps)], now_ms=core.now_ms)


async def test_a_resume_and_a_look_at_the_same_moment(race: Race) -> None:
    bank = race.rollout.bank
    for number in range(ROUNDS):
        race = await race.again(STEADY)
        await race.fails(race.rollout.devices)
        race.rollout.clock.now_ms += MINUTE
        await race.look()
        assert await race.state() is R.PAUSED
        change = await starting.propose_resume(bank.core, WORKSPACE, bank.maker, race.release.id, note="a bad network")
        async with race.core.store.workspace(WORKSPACE).write() as tx:  # a look that was promised before the stop
            await promise_look(tx, race.release.id, now_ms=0)
        race.rollout.clock.now_ms += 1
        acts: list[Awaitable[object]] = [race.look(), race.approve(race.other, change)]
        await asyncio.gather(*(acts if number % 2 else reversed(acts)))
        race.rollout.clock.now_ms += MINUTE
        await race.look()
        assert await race.state() is R.RUNNING  # what was told before the resume judges it no longer
        await _each_change_was_one(race)
        await _stop(race)


async def test_a_stop_while_the_next_release_starts_spares_it(race: Race) -> None:
    bank = race.rollout.bank
    for number in range(ROUNDS):
        race = await race.again(STEADY)
        whole = [{"name": "all", "basis_points": 10_000, "gate": GATE}]
        draft = drafts.Draft("miniapp", race.release.deliverable_id, 2, {"all": []}, rollback_to=1, stages=whole)
        next_one = await drafts.create_release(bank.core, WORKSPACE, bank.maker, draft)
        change = await bank.submit(next_one)
        await race.fails(race.rollout.devices)
        race.rollout.clock.now_ms += MINUTE
        acts: list[Awaitable[object]] = [race.look(), race.approve(race.other, change)]
        await asyncio.gather(*(acts if number % 2 else reversed(acts)))
        await race.fails(race.rollout.devices)  # reported once more, late
        race.rollout.clock.now_ms += MINUTE
        await race.look()
        assert await race.state() is R.PAUSED
        assert (await bank.read(next_one.id)).state is R.RUNNING
        await _each_change_was_one(race)
        for each in (race.release.id, next_one.id):
            await moves.stop_release(race.core, WORKSPACE, race.maker, each, cause="the round is over")


async def test_failures_told_of_an_earlier_release_of_the_same_version_do_not_stop_the_next(race: Race) -> None:
    devices = race.rollout.devices
    race = await race.again(STEADY)
    await race.rollout.tell(race.release, devices, Stage.BOOTED)
    await race.rollout.signal(devices, "white_screen")
    await _stop(race)
    race = await race.again(STEADY)
    await race.rollout.tell(race.release, devices, Stage.BOOTED)
    race.rollout.clock.now_ms += MINUTE
    await race.look()
    (seen,) = await race.rollout.looks(race.release)
    assert (seen.devices, seen.failures) == (len(devices), 0)
    race.rollout.clock.now_ms += 1
    await race.rollout.signal(devices, "white_screen")  # the same again, of this one
    race.rollout.clock.now_ms += MINUTE
    await race.look()
    assert await race.state() is R.PAUSED


async def test_what_breaks_after_a_resume_counts_also_where_it_had_started_before(race: Race) -> None:
    bank, devices = race.rollout.bank, race.rollout.devices
    race = await race.again(STEADY)
    await race.rollout.tell(race.release, devices, Stage.BOOTED)
    race.rollout.clock.now_ms += 1
    await _pause(race)
    change = await starting.propose_resume(bank.core, WORKSPACE, bank.maker, race.release.id)
    await race.approve(race.core, change)
    race.rollout.clock.now_ms += 1
    await race.rollout.signal(devices, "white_screen")
    race.rollout.clock.now_ms += MINUTE
    await race.look()
    assert await race.state() is R.PAUSED
