"""What a gate may believe: reports that come twice, late and in any order, and devices that are forged."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2
import pytest
from test_miniapps_release_stages import Rollout, rollout

from sampan.platform.engines.paging import Paging
from sampan.platform.identity.service_session import NewSession, begin
from sampan.platform.insight.intake import intake_of
from sampan.platform.insight.schemas import Stage
from sampan.platform.release import drafts
from sampan.platform.release.judging import evidence_seen
from sampan.platform.release.repository import OLDEST, Release, page_releases
from sampan.platform.release.stages import BadStages
from sampan.platform.release.states import ReleaseState
from sampan.platform.testing import WORKSPACE, client
from sampan.platform.testing_device import Clock, TestDevice
from sampan.platform.testing_trust import APP

__all__ = ["rollout"]
pytestmark = pytest.mark.anyio
R = ReleaseState
RUNS = 10 if os.environ.get("SAMPAN_LONG") == "1" else 3
PHONES = 12
GATE = {"signals": ["delivery_failed", "white_screen"], "ratio_percent": 200, "most_basis_points": 100}
ALL: list[dict[str, Any]] = [{"name": "all", "basis_points": 10_000, "gate": GATE}]
HALF: list[dict[str, Any]] = [{"name": "half", "basis_points": 5_000, "gate": GATE}, *ALL]
UNREADABLE: dict[str, list[Any]] = {
    "ratio_percent": [None, "", "2x", "200", True, 0, 109, 1001, 110.5, float("nan"), [], {}],
    "most_basis_points": ["", "1 %", True, 0, 5001, 1.5, float("inf"), []],
    "signals": [None, [], ["sad"], "white_screen", [None]],
}
STAGE_DEVICES, BASE_FAILURES, FORGED = 500, 5, 12


@dataclass
class Reporter:
    """A device that holds a ticket, and all that it has to tell."""

    device: TestDevice
    offer: dict[str, Any]
    tells: list[dict[str, Any]] = field(default_factory=list)

    @property
    def types(self) -> set[str]:
        return {each["type"] for each in self.tells}

    def plan(self, chance: Random) -> None:
        """Decide what happens on the device, in order, and number it."""
        story = ["delivery.offered", "delivery.downloaded", "delivery.verified", "delivery.installed"]
        story += chance.choice([[], ["delivery.failed"], ["app.opened"], ["app.opened", "delivery.booted"]])
        story += chance.choice([[], [], ["app.white_screen"], ["app.opened", "app.boot"]])
        story += ["delivery.booted"] if "delivery.failed" in story and chance.random() < 0.5 else []
        of = {name: self.offer[name] for name in ("sequence", "release", "digest", "ticket")}
        self.tells = [{"seq": n, "type": each, "at": n, "app": APP, **of} for n, each in enumerate(story, start=1)]

    @property
    def told(self) -> tuple[bool, bool]:
        """Whether the device says how the version fares, and whether it failed there."""
        is_booted, is_seen = "delivery.booted" in self.types, "app.white_screen" in self.types
        broke = bool(self.types & {"delivery.failed", "app.opened"}) and not is_booted
        return is_booted or broke, broke or (is_booted and is_seen)


@dataclass
class Town:
    """Two processes of one bank, each with its way in, and devices that know neither from the other."""

    rollout: Rollout
    ways: list[httpx2.AsyncClient]
    chance: Random

    async def device(self) -> TestDevice:
        device = TestDevice(self.ways[0], Clock(self.rollout.clock()))
        assert (await device.begin()).status_code == 201
        return device

    async def offer(self, device: TestDevice) -> dict[str, Any]:
        headers = {"authorization": device.bearer.decode()}
        asked = {"client_app": "retail", "device": {"host_version": 9}}
        answer = await self.ways[0].post("/client/v1/sync", json=asked, headers=headers)
        found: dict[str, Any] = next(each for each in answer.json()["offers"] if each["id"] == APP)
        return found

    async def send(self, device: TestDevice, batch: list[dict[str, Any]]) -> dict[str, Any]:
        headers = {"authorization": device.bearer.decode()}
        answer = await self.chance.choice(self.ways).post("/client/v1/events", json={"batch": batch}, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def send_somehow(self, reporter: Reporter) -> None:
        """Send everything in pieces, in any order, some of it twice, and at last what the server says is missing."""
        left = [*reporter.tells, *self.chance.sample(reporter.tells, len(reporter.tells) // 2)]
        self.chance.shuffle(left)
        while left:
            size = self.chance.randint(1, 3)
            piece, left = left[:size], left[size:]
            same = [self.send(reporter.device, piece) for _ in range(self.chance.randint(1, 2))]
            await asyncio.gather(*same)
        answer = await self.send(reporter.device, reporter.tells)
        assert (answer["accepted_through"], answer["gaps"]) == (len(reporter.tells), [])

    async def seen(self, release: Release) -> tuple[int, int]:
        async with self.rollout.bank.core.store.workspace(WORKSPACE).read() as tx:
            found = await evidence_seen(tx, await self.rollout.bank.read(release.id))
        return found.devices, found.failures


@pytest.fixture
async def town(rollout: Rollout) -> AsyncIterator[Town]:
    core = rollout.bank.core
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(rollout.second_process())
        await other.replica.poll()
        ways = [await stack.enter_async_context(client(each)) for each in (core, other)]
        writing = [asyncio.ensure_future(intake_of(each).run()) for each in (core, other)]
        yield Town(rollout, ways, Random(7))  # noqa: S311 - a simulation, no secret
        for each in writing:
            each.cancel()
        await asyncio.gather(*writing, return_exceptions=True)


async def test_reports_twice_late_and_in_any_order_say_the_same(town: Town) -> None:
    devices = [await town.device() for _ in range(PHONES)]
    for _ in range(RUNS):
        town.rollout.clock.now_ms += 1
        release = await town.rollout.start(ALL)
        reporters = [Reporter(device, await town.offer(device)) for device in devices]
        for reporter in reporters:
            reporter.plan(town.chance)
        await asyncio.gather(*(town.send_somehow(each) for each in reporters))
        told = [each.told for each in reporters]
        assert await town.seen(release) == (sum(told for told, _ in told), sum(failed for _, failed in told))
        devices = [await town.device() for _ in range(PHONES)]


async def _without_a_ticket(town: Town, release: Release) -> None:
    """Tell of the release with tickets of other devices, of another release, and made up."""
    known = await town.device()
    town.rollout.clock.now_ms += 1
    offer = await town.offer(known)
    for number in range(FORGED):
        forger = await town.device()
        made_up = {"ticket": "0" * 32} if number % 2 else {}
        of = {name: offer[name] for name in ("sequence", "digest", "ticket")} | made_up
        event = {"seq": 1, "type": "delivery.failed", "at": 1, "app": APP, "release": release.id, **of}
        answer = await town.send(forger, [event])
        assert [each["code"] for each in answer["refused"]] == ["bad_ticket"]


async def _registered_for_it(town: Town, release: Release) -> None:
    """Tell with good tickets, from devices that were made when the release had begun."""
    town.rollout.clock.now_ms += 1
    await town.rollout.tell(release, await town.rollout.register(FORGED), Stage.FAILED)


async def _from_one_place(town: Town, release: Release) -> None:
    """Tell with good tickets of old devices, which all stand in one network."""
    await town.rollout.tell(release, town.rollout.devices[-FORGED:], Stage.FAILED)


async def _again_and_again(town: Town, release: Release) -> None:
    """One device tells of a dozen failures."""
    device = town.rollout.devices[0]
    for _ in range(FORGED):
        await town.rollout.tell(release, [device], Stage.FAILED)
        await town.rollout.signal([device], "white_screen")


FORGERIES = {
    "without a ticket": _without_a_ticket,
    "registered for it": _registered_for_it,
    "from one place": _from_one_place,
    "again and again": _again_and_again,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_dozen_forged_devices_do_not_stop_a_stage_of_500(town: Town, forge: Any) -> None:
    rollout = town.rollout
    await _old_devices(rollout, STAGE_DEVICES, networks=100)
    await rollout.register(FORGED, network="the forger's")
    rollout.clock.now_ms += 1
    release = await rollout.start(ALL)
    genuine = rollout.devices[:STAGE_DEVICES]
    await rollout.tell(release, genuine[:-BASE_FAILURES], Stage.BOOTED)
    await rollout.tell(release, genuine[-BASE_FAILURES:], Stage.FAILED)
    await forge(town, release)
    await rollout.look()
    assert (await rollout.bank.read(release.id)).state is R.RUNNING
    (seen,) = await rollout.looks(release)
    assert seen.failures <= seen.most


async def test_a_dozen_real_failures_more_do_stop_it(town: Town) -> None:
    """What the forgeries above are kept from: as many failures, everywhere, on devices that are in the release."""
    rollout = town.rollout
    await _old_devices(rollout, STAGE_DEVICES, networks=100)
    rollout.clock.now_ms += 1
    release = await rollout.start(ALL)
    failing = BASE_FAILURES + FORGED
    await rollout.tell(release, rollout.devices[failing:], Stage.BOOTED)
    await rollout.tell(release, rollout.devices[:failing], Stage.FAILED)
    await rollout.look()
    assert (await rollout.bank.read(release.id)).state is R.PAUSED


async def test_a_version_that_breaks_everywhere_is_found_behind_two_carriers_too(town: Town) -> None:
    rollout = town.rollout
    await _old_devices(rollout, 60, networks=2)
    rollout.clock.now_ms += 1
    release = await rollout.start(ALL)
    await rollout.tell(release, rollout.devices, Stage.FAILED)
    await rollout.look()
    assert (await rollout.bank.read(release.id)).state is R.PAUSED


async def test_who_knows_nothing_never_says_that_all_is_well(town: Town) -> None:
    """Versions installed and never opened, and reports of devices that are too new: none of it is health."""
    rollout = town.rollout
    await rollout.register(40)
    rollout.clock.now_ms += 1
    auto = [{**HALF[0], "advance": "auto", "min_minutes": 1}, *ALL]
    release = await rollout.start(auto)
    await rollout.tell(release, rollout.devices, Stage.INSTALLED)
    await _old_devices(rollout, 1000, networks=100)
    await rollout.tell(release, rollout.devices[40:], Stage.BOOTED)
    for _ in range(3):
        await rollout.look(minutes=60 * 24)
    found = await rollout.bank.read(release.id)
    assert (found.state, found.stage) == (R.RUNNING, 0)
    assert {look.why for look in await rollout.looks(release)} == {"too_few_devices"}


async def test_a_threshold_that_nobody_can_read_makes_no_release(rollout: Rollout) -> None:
    bank = rollout.bank
    for name, value in [(name, value) for name, values in UNREADABLE.items() for value in values]:
        plan = [{**HALF[0], "gate": {**GATE, name: value}}, *ALL]
        draft = drafts.Draft("miniapp", APP, 2, {"all": []}, rollback_to=1, stages=plan)
        with pytest.raises(BadStages) as refused:
            await drafts.create_release(bank.core, WORKSPACE, bank.maker, draft)
        assert str(refused.value.facts["field"]).startswith(f"stages[0].gate.{name}"), value
    async with bank.core.store.workspace(WORKSPACE).read() as tx:
        assert len((await page_releases(tx, Paging(), OLDEST)).items) == 1  # that of version 1


async def _old_devices(rollout: Rollout, count: int, *, networks: int) -> None:
    """Register devices of many networks, at once: each is a transaction, and they share their commits."""
    core, first = rollout.bank.core, len(rollout.devices)
    made = [
        begin(core, WORKSPACE, NewSession("retail", {"x": str(n)}, f"thumb-{n}", None, network=f"net-{n % networks}"))
        for n in range(first, first + count)
    ]
    rollout.devices += [each.device_id for each in await asyncio.gather(*made)]
