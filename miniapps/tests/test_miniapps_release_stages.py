"""A release that goes on stage by stage: its gate lets it pass, stops it, and waits when nobody says anything."""

import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from test_miniapps_releases import WHOLE, Bank

from sampan.platform.app import open_core
from sampan.platform.audience.facts import Facts
from sampan.platform.core import Core
from sampan.platform.engines.postgres import PostgresDatabase
from sampan.platform.errors import Invalid
from sampan.platform.identity.service_session import NewSession, begin
from sampan.platform.identity.tiers import Tier
from sampan.platform.insight.delivery_rows import raise_stages
from sampan.platform.insight.evidence import note_signals
from sampan.platform.insight.health import HealthReport
from sampan.platform.insight.schemas import STAGE_ORDER, Stage
from sampan.platform.operators.actor import MissingPermission
from sampan.platform.operators.changes import approve
from sampan.platform.operators.testing import actor_of, person_with
from sampan.platform.release import drafts, freezes, moves, rolling_back, starting
from sampan.platform.release.decide import Context, decide
from sampan.platform.release.looks import look_job
from sampan.platform.release.looks_rows import Look, read_looks
from sampan.platform.release.repository import Release, ReleaseMoved, change_release
from sampan.platform.release.snapshot import PART
from sampan.platform.release.states import ReleaseState
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import publishing_in
from sampan.platform.testing_device import add_retail_app
from sampan.platform.testing_trust import APP, Clock
from sampan.platform.workspaces.runners import build_job_runner

pytestmark = pytest.mark.anyio
R = ReleaseState
MINUTE = 60_000
GATE = {"signals": ["delivery_failed", "white_screen"], "ratio_percent": 1000, "most_basis_points": 500}
PLAN: list[dict[str, Any]] = [
    {"name": "10 %", "basis_points": 1000, "advance": "auto", "min_minutes": 30, "gate": GATE},
    {"name": "50 %", "basis_points": 5000, "gate": GATE},
    {"name": "all", "basis_points": 10_000},
]
FACES = [f"dev_{number:032x}" for number in range(400)]


@dataclass
class Rollout:
    """A bank whose version 1 is everybody's, and version 2 goes out by `PLAN`."""

    bank: Bank
    devices: list[str] = field(default_factory=list)
    postgres_url: str = ""

    @property
    def clock(self) -> Clock:
        found = self.bank.core.now_ms
        assert isinstance(found, Clock)
        return found

    def second_process(self) -> AbstractAsyncContextManager[Core]:
        """Open the bank once more; the two share nothing but the database and the files."""
        core = self.bank.core
        database = PostgresDatabase(self.postgres_url) if self.postgres_url else None
        return open_core(
            core.settings, components=core.components, now_ms=core.now_ms, is_guest=True, database=database
        )

    async def register(self, count: int, *, network: str = "") -> list[str]:
        """Register devices now and return their ids."""
        made = []
        for _ in range(count):
            number = len(self.devices)
            new = NewSession("retail", {"x": str(number)}, f"thumb-{number}", None, network=network)
            made.append((await begin(self.bank.core, WORKSPACE, new)).device_id)
            self.devices.append(made[-1])
        return made

    async def start(self, plan: list[dict[str, Any]] = PLAN, **other: Any) -> Release:
        draft = drafts.Draft("miniapp", APP, 2, {"all": []}, rollback_to=1, stages=plan, **other)
        made = await drafts.create_release(self.bank.core, WORKSPACE, self.bank.maker, draft)
        change = await self.bank.submit(made)
        await approve(self.bank.core, WORKSPACE, self.bank.checker, change.id, digest=change.digest)
        await self.bank.publishing.expose()
        return await self.bank.read(made.id)

    async def reach(self) -> set[str]:
        """Return who of some devices is meant by version 2."""
        await self.bank.core.replica.poll()
        (snapshot,) = self.bank.core.replica.view(WORKSPACE).parts[PART].deliverables
        offers = {each: decide(Facts(Tier.FULL, device=each), Context(9), snapshot).candidate for each in FACES}
        return {device for device, offer in offers.items() if offer is not None and offer.sequence == 2}

    async def tell(self, release: Release, devices: list[str], stage: Stage) -> None:
        rows = [
            {
                "release_id": release.id,
                "device_id": device,
                "app": APP,
                "sequence": 2,
                "stage": STAGE_ORDER[stage],
                "at_ms": self.clock(),
            }
            for device in devices
        ]
        async with self.bank.core.store.workspace(WORKSPACE).write() as tx:
            await raise_stages(tx, rows)

    async def signal(self, devices: list[str], counter: str) -> None:
        reports = [HealthReport(APP, 2, self.clock(), counter, device_id=device) for device in devices]
        async with self.bank.core.store.workspace(WORKSPACE).write() as tx:
            await note_signals(tx, [*reports, *reports])

    async def look(self, minutes: int = 1) -> None:
        """Let time pass and do the job that is due."""
        self.clock.now_ms += minutes * MINUTE
        core = self.bank.core
        runner = build_job_runner(core.store, [look_job(core)], now_ms=core.now_ms)
        assert await runner.poll() <= 2
        await runner.idle()
        await self.bank.publishing.expose()

    async def looks(self, release: Release) -> list[Look]:
        async with self.bank.core.store.workspace(WORKSPACE).read() as tx:
            return await read_looks(tx, release.id)


@contextlib.asynccontextmanager
async def rollout_in(folder: Path, *, postgres_url: str = "") -> AsyncIterator[Rollout]:
    """Open a bank whose version 1 is everybody's, with version 2 published."""
    async with publishing_in(folder, components=WHOLE, postgres_url=postgres_url) as publishing:
        people = [await person_with(publishing.core, WORKSPACE, "release_manager") for _ in range(2)]
        maker, checker = [await actor_of(publishing.core, WORKSPACE, each) for each in people]
        bank = Bank(publishing, maker, checker)
        await publishing.publish(1)
        await publishing.publish(2)
        await bank.start(1)
        await add_retail_app(publishing.core)
        yield Rollout(bank, postgres_url=postgres_url)


@pytest.fixture
async def rollout(tmp_path: Path) -> AsyncIterator[Rollout]:
    async with rollout_in(tmp_path) as found:
        yield found


async def test_each_stage_adds_devices_and_narrowing_takes_back_offers(rollout: Rollout) -> None:
    release = await rollout.start()
    first = await rollout.reach()
    assert 20 <= len(first) <= 65
    bank = rollout.bank
    release = await moves.move_on(bank.core, WORKSPACE, bank.maker, release.id, cause="looks well")
    second = await rollout.reach()
    assert (release.stage, release.state) == (1, R.RUNNING)
    assert first < second
    assert 150 <= len(second) <= 250
    await moves.move_on(bank.core, WORKSPACE, bank.maker, release.id)
    assert await rollout.reach() == set(FACES)
    with pytest.raises(moves.NoSuchStage):
        await moves.move_on(bank.core, WORKSPACE, bank.maker, release.id)
    await moves.narrow(bank.core, WORKSPACE, bank.maker, release.id, cause="too quick")
    assert await rollout.reach() == second


async def test_a_healthy_stage_is_passed_and_then_waits_for_a_person(rollout: Rollout) -> None:
    devices = await rollout.register(40)
    rollout.clock.now_ms += 1
    release = await rollout.start()
    await rollout.look()
    await rollout.tell(release, devices, Stage.BOOTED)
    await rollout.look()
    assert (await rollout.bank.read(release.id)).stage == 0  # half an hour is not over
    await rollout.look(minutes=30)
    assert (await rollout.bank.read(release.id)).stage == 1
    await rollout.look(minutes=600)
    assert (await rollout.bank.read(release.id)).stage == 1
    whys = [(look.stage, look.devices, look.why) for look in await rollout.looks(release)]
    assert whys == [(0, 0, "too_early"), (0, 40, "too_early"), (0, 40, "passed"), (1, 40, "for_a_person")]


async def test_silence_is_no_health(rollout: Rollout) -> None:
    await rollout.register(40)
    release = await rollout.start()
    await rollout.look(minutes=60 * 24 * 30)
    assert (await rollout.bank.read(release.id)).stage == 0
    assert [look.why for look in await rollout.looks(release)] == ["too_few_devices"]


async def test_failures_stop_new_offers_and_two_persons_go_on(rollout: Rollout) -> None:
    devices = await rollout.register(12)
    rollout.clock.now_ms += 1
    release = await rollout.start()
    await rollout.tell(release, devices[:4], Stage.FAILED)
    await rollout.tell(release, devices[4:], Stage.BOOTED)
    await rollout.signal(devices[4:8], "white_screen")
    await rollout.signal(devices[8:], "script_error")  # not one of this gate's signals
    await rollout.look()
    stopped = await rollout.bank.read(release.id)
    assert stopped.state is R.PAUSED
    assert stopped.cause.startswith("automatic stop: 8 of 12 devices failed")
    assert await rollout.reach() == set()
    await rollout.look(minutes=600)
    assert (await rollout.bank.read(release.id)).state is R.PAUSED
    bank = rollout.bank
    change = await starting.propose_resume(bank.core, WORKSPACE, bank.maker, release.id, note="a bad network")
    await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    await rollout.look()
    assert (await bank.read(release.id)).state is R.RUNNING  # what was told before judges it no longer
    await rollout.tell(release, await rollout.register(12), Stage.FAILED)
    await rollout.look()
    assert (await bank.read(release.id)).state is R.RUNNING  # who registered since the start has no vote


async def test_one_network_does_not_speak_for_all(rollout: Rollout) -> None:
    elsewhere = await rollout.register(40)
    crowd = await rollout.register(12, network="one")
    rollout.clock.now_ms += 1
    release = await rollout.start()
    await rollout.tell(release, elsewhere, Stage.BOOTED)
    await rollout.tell(release, crowd, Stage.FAILED)
    await rollout.look()
    (seen,) = await rollout.looks(release)
    assert (seen.devices, seen.failures) == (43, 3)
    assert (await rollout.bank.read(release.id)).state is R.RUNNING


async def test_a_crowd_in_one_network_does_not_raise_its_own_share(rollout: Rollout) -> None:
    elsewhere = await rollout.register(18)
    crowd = await rollout.register(60, network="one")
    rollout.clock.now_ms += 1
    release = await rollout.start()
    await rollout.tell(release, elsewhere, Stage.BOOTED)
    await rollout.tell(release, crowd, Stage.FAILED)
    await rollout.look()
    (seen,) = await rollout.looks(release)
    assert (seen.devices, seen.failures) == (21, 3)


async def test_who_opened_it_and_never_saw_it_start_counts_as_a_failure(rollout: Rollout) -> None:
    devices = await rollout.register(10)
    rollout.clock.now_ms += 1
    release = await rollout.start()
    await rollout.tell(release, devices, Stage.INSTALLED)
    await rollout.look()
    await rollout.signal(devices[:3], "open")
    await rollout.look()
    assert [(look.devices, look.failures) for look in await rollout.looks(release)] == [(0, 0), (3, 3)]


async def test_an_automatic_stop_spares_the_other_release(rollout: Rollout) -> None:
    devices = await rollout.register(12)
    rollout.clock.now_ms += 1
    release = await rollout.start()
    bank = rollout.bank
    await rollout.tell(release, devices, Stage.FAILED)
    await moves.stop_release(bank.core, WORKSPACE, bank.maker, release.id, cause="a person was first")
    again = await rollout.start()
    await rollout.look()
    assert (await bank.read(release.id)).state is R.STOPPED
    assert (await bank.read(again.id)).state is R.RUNNING


async def test_who_comes_second_with_an_old_look_changes_nothing(rollout: Rollout) -> None:
    seen = await rollout.start()
    bank = rollout.bank
    await moves.pause_release(bank.core, WORKSPACE, bank.maker, seen.id, cause="first")
    async with bank.core.store.workspace(WORKSPACE).write() as tx:
        with pytest.raises(ReleaseMoved):
            await change_release(tx, seen, state=R.STOPPED, cause="second", made_by="x", now_ms=rollout.clock())
    assert (await bank.read(seen.id)).state is R.PAUSED


async def test_a_freeze_holds_back_what_reaches_more_people_only(rollout: Rollout) -> None:
    release = await rollout.start()
    bank, now_ms = rollout.bank, rollout.clock()
    made = await freezes.add_freeze(
        bank.core, WORKSPACE, bank.maker, from_ms=now_ms, until_ms=now_ms + MINUTE, reason="month end"
    )
    with pytest.raises(moves.Frozen, match="month end"):
        await moves.move_on(bank.core, WORKSPACE, bank.maker, release.id)
    change = await bank.submit(await bank.draft(2))
    with pytest.raises(moves.Frozen):
        await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    await moves.pause_release(bank.core, WORKSPACE, bank.maker, release.id, cause="a doubt")
    assert (await bank.read(release.id)).state is R.PAUSED
    await freezes.remove_freeze(bank.core, WORKSPACE, bank.maker, made.id)
    await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    for bad in ({"from_ms": 2, "until_ms": 1}, {"from_ms": 1, "until_ms": now_ms}):
        with pytest.raises(freezes.BadFreeze):
            await freezes.add_freeze(bank.core, WORKSPACE, bank.maker, reason="x", **bad)
    desk = await actor_of(bank.core, WORKSPACE, await person_with(bank.core, WORKSPACE, "service_desk"))
    with pytest.raises(MissingPermission):
        await freezes.add_freeze(bank.core, WORKSPACE, desk, from_ms=1, until_ms=now_ms + 9, reason="x")


async def test_a_roll_back_in_the_middle_reaches_everybody(rollout: Rollout) -> None:
    release = await rollout.start()
    bank = rollout.bank
    await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, release.id, cause="crashes")
    await bank.publishing.expose()
    assert await rollout.reach() == set()
    (snapshot,) = bank.core.replica.view(WORKSPACE).parts[PART].deliverables
    assert {each.sequence for each in snapshot.candidates} == {1}
    assert await bank.offers(Tier.FULL, 2) == [("rollback", 1)]


async def test_a_stop_takes_nothing_back_that_a_roll_back_of_that_version_once_did(rollout: Rollout) -> None:
    """A way back stays in the control file; the version was approved anew since, and a pause is no roll-back."""
    bank, everybody = rollout.bank, [{"name": "all", "basis_points": 10_000, "gate": GATE}]
    release = await rollout.start()
    await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, release.id, cause="crashes")
    await bank.publishing.expose()
    assert await bank.offers(Tier.FULL, 2) == [("rollback", 1)]
    rollout.clock.now_ms += 1
    again = await rollout.start(everybody)
    assert (await bank.offers(Tier.FULL, 1), await bank.offers(Tier.FULL, 2)) == ([("install", 2)], [])
    await moves.pause_release(bank.core, WORKSPACE, bank.maker, again.id, cause="a doubt")
    await bank.publishing.expose()
    assert (await bank.offers(Tier.FULL, 1), await bank.offers(Tier.FULL, 2)) == ([], [])
    rollout.clock.now_ms += 1
    await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, again.id, cause="it was right")
    await bank.publishing.expose()
    assert await bank.offers(Tier.FULL, 2) == [("rollback", 1)]


@pytest.mark.parametrize("verb", ["narrow", "stop", "complete"])
async def test_what_was_released_anew_stays_however_it_shrinks_or_ends(rollout: Rollout, verb: str) -> None:
    bank = rollout.bank
    act: dict[str, Any] = {"narrow": moves.narrow, "stop": moves.stop_release, "complete": moves.complete_release}
    first = await rollout.start()
    await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, first.id, cause="crashes")
    await bank.publishing.expose()
    rollout.clock.now_ms += 1
    few = {"name": "few", "basis_points": 1}
    again = await rollout.start([few, {"name": "all", "basis_points": 10_000}, few])
    await moves.move_on(bank.core, WORKSPACE, bank.maker, again.id)
    if verb == "complete":
        await moves.move_on(bank.core, WORKSPACE, bank.maker, again.id)
    await act[verb](bank.core, WORKSPACE, bank.maker, again.id, cause="a doubt")
    await bank.publishing.expose()
    assert (await bank.offers(Tier.FULL, 1), await bank.offers(Tier.FULL, 2)) == ([], [])
    rollout.clock.now_ms += 1
    await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, again.id, cause="it was right")
    await bank.publishing.expose()
    assert await bank.offers(Tier.FULL, 2) == [("rollback", 1)]


async def test_what_the_second_person_approves_names_every_stage(rollout: Rollout) -> None:
    bank = rollout.bank
    schedule = {"hours": {"zone": "Asia/Shanghai", "days": [0, 1], "from_minute": 540, "until_minute": 1020}}
    draft = drafts.Draft("miniapp", APP, 2, {"all": []}, stages=PLAN, schedule=schedule)
    change = await bank.submit(await drafts.create_release(bank.core, WORKSPACE, bank.maker, draft))
    text = json.dumps([line.words for line in change_lines(change.payload)], default=str, ensure_ascii=False)
    assert "10 % of the audience" in text
    assert "10 times the last version's failed deliveries, white screens" in text
    assert text.count("the last stage") == 1
    assert "周一、周二 09:00-17:00 Asia/Shanghai" in text


def change_lines(payload: dict[str, Any]) -> list[Any]:
    """Return the lines that the approver reads."""
    from sampan.platform.release.after_start import describe_start

    return list(describe_start(payload))


RATIO = {"failed": "trust.refused", "of": "app.opened"}
BY_RATIO: list[dict[str, Any]] = [
    {"name": "10 %", "basis_points": 1000, "gate": {**GATE, "signals": [RATIO]}},
    {"name": "all", "basis_points": 10_000},
]


async def test_a_ratio_of_events_stops_a_release_by_devices_with_a_vote_alone(rollout: Rollout) -> None:
    """Not by how many events there are, nor by devices that were offered nothing, or registered later."""
    devices = await rollout.register(30)
    rollout.clock.now_ms += 1
    release = await rollout.start(BY_RATIO)
    strangers = await rollout.register(20)
    await rollout.tell(release, [*devices[:12], *strangers], Stage.INSTALLED)
    await rollout.signal([*devices, *strangers], "open")
    refused = [HealthReport(APP, 2, rollout.clock(), "", device_id=each, other="trust.refused") for each in strangers]
    async with rollout.bank.core.store.workspace(WORKSPACE).write() as tx:
        await note_signals(tx, refused * 3)
    await rollout.look()
    assert (await rollout.bank.read(release.id)).state is R.RUNNING
    refused = [HealthReport(APP, 2, rollout.clock(), "", device_id=each, other="trust.refused") for each in devices[:8]]
    async with rollout.bank.core.store.workspace(WORKSPACE).write() as tx:
        await note_signals(tx, refused)
    await rollout.look()
    stopped = await rollout.bank.read(release.id)
    assert (stopped.state, stopped.cause) == (R.PAUSED, "automatic stop: 8 of 12 devices failed, 3 were allowed")
    assert [(look.devices, look.failures) for look in await rollout.looks(release)] == [(12, 0), (12, 8)]


@pytest.mark.parametrize(
    ("ratio", "code", "field"),
    [
        ({"failed": "made.up", "of": "app.opened"}, "event_type_unknown", "failed"),
        ({"failed": "app.opened", "of": "made.up"}, "event_type_unknown", "of"),
        ({"failed": "delivery.failed", "of": "app.opened"}, "event_type_not_by_version", "failed"),
    ],
)
async def test_a_ratio_of_events_nobody_can_report_is_refused_at_creation(
    rollout: Rollout, ratio: dict[str, str], code: str, field: str
) -> None:
    plan = [{**BY_RATIO[0], "gate": {**GATE, "signals": ["white_screen", ratio]}}, BY_RATIO[1]]
    with pytest.raises(Invalid) as refused:
        await rollout.start(plan)
    assert (refused.value.code, refused.value.facts["field"]) == (code, f"stages[0].gate.signals[1].{field}")
