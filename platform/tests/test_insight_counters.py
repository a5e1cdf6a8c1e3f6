"""Counters of deliveries reconcile, whatever is reported, in which order, and how often."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.platform.identity import component as identity
from sampan.platform.identity import demo_component as demo
from sampan.platform.insight.component import component as insight
from sampan.platform.insight.delivery_rows import Reached, Visible, raise_stages, reached_by_release, reached_by_version
from sampan.platform.insight.funnel import ONLINE_MS, Step, latency_of, quantile, steps_of, success_rate
from sampan.platform.insight.intake import Batch, Intake
from sampan.platform.insight.schemas import STAGE_ORDER, WAY, Stage
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_device import TestServer, identity_server

RELEASE, APP = "rel_1", "bank.demo.a"
HISTORIES = 3_000
Report = tuple[int, Stage]
"""A device's number and what it reported."""

reports = st.lists(st.tuples(st.integers(0, 7), st.sampled_from(list(Stage))), max_size=40)


def rows_of(told: list[Report]) -> list[Reached]:
    """Count by the words of the protocol, one device at a time: what the database must come to as well."""
    found: dict[tuple[Stage, bool], int] = {}
    for device in {device for device, _stage in told}:
        own = [stage for other, stage in told if other == device]
        furthest = max((WAY.index(stage) for stage in own if stage is not Stage.FAILED), default=0)
        key = (WAY[furthest], Stage.FAILED in own and WAY[furthest] is not Stage.BOOTED)
        found[key] = found.get(key, 0) + 1
    return [Reached(1, stage, failed, devices) for (stage, failed), devices in found.items()]


def check(steps: tuple[Step, ...], devices: int) -> None:
    assert steps[0].devices == devices
    for here, further in itertools.pairwise(steps):
        assert here.devices == here.failed + here.waiting + further.devices
    assert (steps[-1].failed, steps[-1].waiting) == (0, 0)
    offered, downloaded, verified, installed, booted = (step.devices for step in steps)
    assert offered >= downloaded >= verified >= installed >= booted + steps[3].failed
    assert devices == booted + sum(step.failed + step.waiting for step in steps)


@settings(max_examples=500)
@given(reports)
def test_every_device_stands_at_one_place(told: list[Report]) -> None:
    steps = steps_of(rows_of(told))
    check(steps, len({device for device, _stage in told}))
    succeeded, ended = success_rate(steps)
    assert succeeded == steps[3].devices - steps[3].failed
    assert ended == succeeded + sum(step.failed for step in steps)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path, components=(identity.component, demo.component, insight)) as running:
        yield running


def row(release: str, device: int, stage: Stage, at_ms: int) -> dict[str, Any]:
    names = {"release_id": release, "device_id": f"dev_{device}", "app": APP, "sequence": 1}
    return {**names, "stage": STAGE_ORDER[stage], "at_ms": at_ms}


@pytest.mark.anyio
async def test_thousands_of_histories_in_any_order_come_to_the_same_counters(server: TestServer) -> None:
    """Each history is told twice: as it is, and disordered, doubled and in pieces. Seeded, so it can be repeated."""
    chance = random.Random(20_261_122)  # noqa: S311 - no secret
    door = server.core.store.workspace(WORKSPACE)
    told: dict[str, list[Report]] = {}
    for number in range(HISTORIES):
        told[f"rel_{number}"] = [
            (chance.randrange(5), chance.choice(list(Stage))) for _ in range(chance.randrange(1, 14))
        ]
    async with door.write() as tx:
        await raise_stages(tx, [row(name, *each, at_ms=1) for name, history in told.items() for each in history])
    again = [row(f"again_{name}", *each, at_ms=1) for name, history in told.items() for each in history * 2]
    chance.shuffle(again)
    for start in range(0, len(again), 5_000):
        async with door.write() as tx:
            await raise_stages(tx, again[start : start + 5_000])
    async with door.read() as tx:
        for name, history in told.items():
            steps = steps_of(await reached_by_release(tx, name))
            assert steps == steps_of(await reached_by_release(tx, f"again_{name}")) == steps_of(rows_of(history)), name
            check(steps, len({device for device, _stage in history}))


@pytest.mark.anyio
async def test_events_that_come_late_twice_and_disordered_count_once(server: TestServer) -> None:
    """The same through the intake: numbered events, batches that overlap and come again."""
    chance = random.Random(7)  # noqa: S311 - no secret
    intake = Intake(server.core.store)
    for device in range(40):
        history = [chance.choice(list(Stage)) for _ in range(6)]
        events = {seq: row(RELEASE, device, stage, seq) for seq, stage in enumerate(history, 1)}
        batches = [sorted(chance.sample(sorted(events), chance.randrange(1, 6))) for _ in range(6)] + [sorted(events)]
        chance.shuffle(batches)
        for numbers in batches:
            stages = {seq: events[seq] for seq in numbers}
            taken = intake.take(Batch(WORKSPACE, f"dev_{device}", {seq: {} for seq in numbers}, stages))
            await finished(intake, taken)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        check(steps_of(await reached_by_release(tx, RELEASE)), 40)


async def finished(intake: Intake, taken: Any) -> None:
    waiting = asyncio.ensure_future(taken)
    await asyncio.sleep(0)
    await intake.flush()
    await waiting


@pytest.mark.anyio
async def test_a_device_of_two_releases_counts_once_for_their_version(server: TestServer) -> None:
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        told = [row("rel_1", 1, Stage.FAILED, 5), row("rel_2", 1, Stage.INSTALLED, 6), row("rel_2", 2, Stage.BOOTED, 7)]
        await raise_stages(tx, told)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        found = await reached_by_version(tx, APP, from_ms=0)
        late = await reached_by_version(tx, APP, from_ms=7)
        other = await reached_by_version(tx, "bank.demo.b", from_ms=0)
    assert sorted((each.stage, each.failed, each.devices) for each in found) == [
        (Stage.BOOTED, False, 1),
        (Stage.INSTALLED, True, 1),
    ]
    assert ([each.devices for each in late], other) == ([1], [])


def test_only_devices_that_were_online_say_how_soon_a_release_is_seen() -> None:
    begins = [1_000, 5_000_000]
    seen = [(begins, Visible(1_000 + after, 1_500 + after)) for after in (0, 100, 200, 300)]
    seen += [(begins, Visible(5_000_050, None)), (begins, Visible(1_001 + ONLINE_MS, 9)), (begins, Visible(10, None))]
    found = latency_of(seen)
    assert (found.devices, found.online, found.booted) == (7, 5, 4)
    assert (found.offered_p50_ms, found.offered_p95_ms) == (100, 300)
    assert (found.booted_p50_ms, found.booted_p95_ms) == (600, 800)
    assert latency_of([]).offered_p50_ms is None


def test_devices_that_came_after_a_release_say_nothing_of_how_soon_it_was_seen() -> None:
    there, came_later = Visible(1_400, None, 1_000), Visible(700_000, None, 650_000)
    found = latency_of([((1_000,), there), ((1_000,), came_later)])
    assert (found.devices, found.online, found.offered_p95_ms) == (2, 1, 400)
    alone = latency_of([((1_000,), came_later)])
    assert (alone.online, alone.offered_p50_ms) == (0, None)


@given(st.lists(st.integers(0, 1000), min_size=1), st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_a_quantile_is_one_of_the_values_and_reaches_its_share(values: list[int], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
