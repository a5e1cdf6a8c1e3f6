"""Rolling up and removing: nothing is lost or doubled, whenever the job is killed, and what is old goes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2
import pytest
from pyroaring import BitMap
from sqlalchemy import func, insert, select

from sampan.platform.app import built_in_components
from sampan.platform.component import discover
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.job_runner import JobRunner
from sampan.platform.engines.jobs import Job, count_jobs
from sampan.platform.engines.tables import metadata
from sampan.platform.identity.service_session import NewSession, begin
from sampan.platform.insight import keeping, summary
from sampan.platform.insight.activity_rows import (
    DAY_MS,
    Active,
    active_by_day,
    count_events,
    events_by_day,
    note_active,
    read_active,
    read_known,
    read_newcomers,
)
from sampan.platform.insight.daily import yyyymmdd
from sampan.platform.insight.delivery_rows import raise_stages
from sampan.platform.insight.evidence import device_signals, note_signals, of_version
from sampan.platform.insight.health import HealthReport, report_of
from sampan.platform.insight.health_rows import add_health, app_errors
from sampan.platform.insight.keeping import keep_job, promise_keeping
from sampan.platform.insight.policy import KEEP_DAYS
from sampan.platform.insight.repository import events, note_inventory
from sampan.platform.insight.schemas import STAGE_ORDER, Stage
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import WORKSPACE, client, running_core
from sampan.platform.testing_artifacts import without_background
from sampan.platform.testing_device import Clock, add_retail_app
from sampan.platform.workspaces.runners import build_job_runner

pytestmark = pytest.mark.anyio
EVERYTHING = tuple(without_background(each) for each in discover(built_in_components(demo=True)))
APP = "bank.demo.a"
POLICY = "/console/api/v1/insight/policy"


class Killed(BaseException):
    """Stands for the end of the process."""


class Kept:
    """A server with devices, whose days pass when told."""

    def __init__(self, core: Core) -> None:
        self.core, self.devices = core, list[str]()
        self.door = core.store.workspace(WORKSPACE)

    @property
    def clock(self) -> Clock:
        assert isinstance(self.core.now_ms, Clock)
        return self.core.now_ms

    @property
    def today(self) -> int:
        return self.clock.now_ms // DAY_MS

    async def register(self, count: int) -> None:
        for _ in range(count):
            number = len(self.devices)
            made = await begin(self.core, WORKSPACE, NewSession("retail", {"x": str(number)}, f"thumb-{number}", None))
            self.devices.append(made.device_id)

    async def active(self, places: list[tuple[int, int, int]]) -> None:
        """Note (day from today, sequence, number of a device)."""
        found = [Active(APP, self.today + day, sequence, self.devices[number]) for day, sequence, number in places]
        async with self.door.write() as tx:
            await note_active(tx, found)

    async def store_events(self, day: int, count: int) -> None:
        at_ms = (self.today + day) * DAY_MS
        one = {"workspace_id": WORKSPACE, "day": yyyymmdd(self.today + day), "at_ms": at_ms, "received_ms": at_ms}
        two = {"type": "app.opened", "schema_version": 1, "session": "", "client_app": "retail", "attrs": "{}"}
        rows = [{**one, **two, "device_id": f"dev_{seq % 7}", "seq": seq} for seq in range(count)]
        async with self.door.write() as tx:
            await tx.execute(insert(events), rows)
            await count_events(tx, [(self.today + day, "app.opened")] * count)

    def runner(self) -> JobRunner:
        return build_job_runner(self.core.store, [keep_job(self.core)], now_ms=self.core.now_ms)

    async def keep(self) -> None:
        """Do the job, if there is something to do."""
        if await promise_keeping(self.core, WORKSPACE):
            runner = self.runner()
            assert await runner.poll() == 1
            await runner.idle()
        async with self.door.read() as tx:
            assert not any((await count_jobs(tx)).values())

    async def count(self, table: str) -> int:
        rows = metadata.tables[table]
        async with self.door.read() as tx:
            found = await tx.execute(select(func.count()).select_from(rows).where(rows.c.workspace_id == WORKSPACE))
            return int(found.scalar_one())

    async def numbers(self) -> tuple[dict[tuple[int, int], set[int]], dict[int, int]]:
        async with self.door.read() as tx:
            found = await read_active(tx, APP, self.today - 30, self.today + 1)
            days = await active_by_day(tx, APP, self.today - 30, self.today + 1)
        return {place: set(here) for place, here in found.items()}, dict(days)

    async def summed(self, app: str = APP) -> summary.Summary:
        """Count anew: what was counted a minute ago is forgotten."""
        self.clock.now_ms += summary.FRESH_MS
        return await summary.summary(self.core, WORKSPACE, app, 7)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    async with running_core(tmp_path, components=EVERYTHING, now_ms=Clock()) as core:
        await add_retail_app(core)
        made = Kept(core)
        await made.register(12)
        yield made


PLACES = [(-2, 1, n) for n in range(8)] + [(-1, 1, 3), (-1, 2, 3), (-1, 2, 9), (0, 2, 10)]


async def test_days_that_are_over_become_sets_that_say_the_same(kept: Kept) -> None:
    await kept.active(PLACES + PLACES)
    before = await kept.numbers()
    await kept.keep()
    assert await kept.numbers() == before
    assert before[1] == {kept.today - 2: 8, kept.today - 1: 2, kept.today: 1}
    assert (await kept.count("day_devices"), await kept.count("app_devices")) == (1, 3)
    async with kept.door.read() as tx:
        new = await read_newcomers(tx, APP, kept.today - 30, kept.today)
        known = await read_known(tx, APP)
    assert {day: len(found) for day, found in new.items()} == {kept.today - 2: 8, kept.today - 1: 1}
    assert len(known) == 9
    assert not await promise_keeping(kept.core, WORKSPACE)


@pytest.mark.parametrize("steps", range(1, 9))
async def test_a_job_that_dies_anywhere_loses_and_doubles_nothing(
    kept: Kept, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in its nth transaction, before it commits; then done again by another worker."""
    monkeypatch.setattr(keeping, "ROWS", 3)
    await kept.active(PLACES)
    await kept.store_events(-KEEP_DAYS.default - 1, 7)
    before, left = await kept.numbers(), steps
    merging = keeping._once

    async def dies(core: Core, job: Job, step: Callable[[Transaction], Awaitable[int]]) -> int:
        nonlocal left
        left -= 1

        async def and_dies(tx: Transaction) -> int:
            done = await step(tx)
            if left == 0:
                raise Killed
            return done

        return await merging(core, job, and_dies)

    monkeypatch.setattr(keeping, "_once", dies)
    await promise_keeping(kept.core, WORKSPACE)
    job = keep_job(kept.core)
    runner = kept.runner()
    await runner.poll()
    (attempt,) = runner._running.values()
    with pytest.raises(Killed):
        await attempt.task
    assert job.kind == keeping.JOB
    assert await kept.numbers() == before
    monkeypatch.setattr(keeping, "_once", merging)
    kept.clock.now_ms += 40_000  # its lease runs out
    again = kept.runner()
    assert await again.poll() == 1
    await again.idle()
    assert await kept.numbers() == before
    assert (await kept.count("day_devices"), await kept.count("events")) == (1, 0)
    async with kept.door.read() as tx:
        old = kept.today - KEEP_DAYS.default - 1
        assert await events_by_day(tx, ["app.opened"], old, old + 1) == {old: 7}


async def test_a_report_that_comes_after_its_day_was_rolled_up_counts(kept: Kept) -> None:
    await kept.active([(-1, 1, 0)])
    await kept.keep()
    await kept.active([(-1, 1, 0), (-1, 1, 1)])
    assert (await kept.numbers())[1] == {kept.today - 1: 2}
    await kept.keep()
    assert (await kept.numbers())[1] == {kept.today - 1: 2}


async def test_what_is_older_than_it_is_kept_goes_and_no_more(kept: Kept) -> None:
    await kept.store_events(-KEEP_DAYS.default - 3, 30)
    await kept.store_events(-KEEP_DAYS.default, 5)
    error = {"message": "no price", "source": "a.js", "line": 1}
    reports = [report_of("app.script_error", APP, n, error, now_ms=kept.clock.now_ms) for n in (1, 2)]
    async with kept.door.write() as tx:
        await add_health(tx, [each for each in reports if each is not None])
    await kept.keep()
    assert (await kept.count("events"), await kept.count("app_errors")) == (5, 2)
    kept.clock.now_ms += DAY_MS * KEEP_DAYS.default
    later = report_of("app.script_error", APP, 2, error, now_ms=kept.clock.now_ms)
    assert later is not None
    async with kept.door.write() as tx:
        await add_health(tx, [later])
    kept.clock.now_ms += DAY_MS
    await kept.keep()
    assert (await kept.count("events"), await kept.count("app_errors"), await kept.count("app_hours")) == (0, 1, 3)
    async with kept.door.read() as tx:
        (left,) = (await tx.execute(select(app_errors.c.sequence).where(app_errors.c.workspace_id == WORKSPACE))).all()
    assert left.sequence == 2
    kept.clock.now_ms += DAY_MS * keeping.ROLLED_UP_KEEP_DAYS
    await kept.active([(-1, 1, 0)])
    await kept.keep()
    assert (await kept.count("app_hours"), await kept.count("event_days")) == (0, 0)


async def test_signals_of_a_version_go_together_and_what_is_held_stays(kept: Kept) -> None:
    old_ms = kept.clock.now_ms
    async with kept.door.write() as tx:
        for sequence in (1, 2):
            told = [HealthReport(APP, sequence, old_ms, "white_screen", device_id=each) for each in kept.devices[:4]]
            await note_signals(tx, told)
            names = {"release_id": f"rel_{sequence}", "app": APP, "sequence": sequence, "at_ms": old_ms}
            rows = [{**names, "device_id": each, "stage": STAGE_ORDER[Stage.BOOTED]} for each in kept.devices[:4]]
            await raise_stages(tx, rows)
    kept.clock.now_ms += DAY_MS * (KEEP_DAYS.default + 2)
    held = {"kind": "miniapp", "artefact_id": APP, "sequence": 2, "digest": "sha256:0", "seen_ms": kept.clock.now_ms}
    async with kept.door.write() as tx:
        await note_inventory(tx, kept.devices[:1], [{**held, "device_id": kept.devices[0]}])
    await kept.active([(-1, 1, 0)])
    await kept.keep()
    async with kept.door.read() as tx:
        gone, here = [await of_version(tx, APP, sequence, ["white_screen"]) for sequence in (1, 2)]
        columns = device_signals.c
        left = await tx.execute(select(columns.sequence).where(columns.workspace_id == WORKSPACE).distinct())
        assert [row.sequence for row in left] == [2]
    assert (gone.devices, gone.failures) == (0, 0)
    assert (here.devices, here.failures) == (4, 4)


async def test_the_policy_is_an_administrators_and_leaves_a_trace(kept: Kept) -> None:
    async with client(kept.core) as http:
        admin = await person_with(kept.core, WORKSPACE, "admin")
        headers = await bearer_for(kept.core, WORKSPACE, admin)
        other = await bearer_for(kept.core, WORKSPACE, await person_with(kept.core, WORKSPACE, "reviewer"))

        async def put(days: object, by: dict[str, str]) -> httpx2.Response:
            return await http.put(POLICY, json={"event_keep_days": days}, headers=by)

        assert (await http.get(POLICY)).status_code == 401
        found = (await http.get(POLICY, headers=other)).json()
        assert found == {"event_keep_days": KEEP_DAYS.default, "least": 7, "most": 1095, "rolled_up_keep_days": 400}
        assert (await put(30, other)).status_code == 403
        for wrong in (0, 6, 1096, 2**60):
            refused = await put(wrong, headers)
            assert (refused.status_code, refused.json()["code"]) == (422, "bad_event_keep_days")
        assert (await put(30, headers)).json()["event_keep_days"] == 30
        assert (await http.get(POLICY, headers=other)).json()["event_keep_days"] == 30
        rows = (await http.get("/console/api/v1/audit?action=insight.keep", headers=headers)).json()["items"]
    assert [each["detail"] for each in rows] == [{"before": KEEP_DAYS.default, "after": 30}]
    await kept.store_events(-31, 3)
    await kept.store_events(-30, 2)
    await kept.keep()
    assert await kept.count("events") == 2


def test_a_million_devices_of_a_day_are_a_small_set() -> None:
    assert len(BitMap(range(0, 2_000_000, 2)).serialize()) < 300_000


async def test_a_crowd_of_the_day_becomes_a_set_before_the_day_is_over(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "CROWD", 5)
    monkeypatch.setattr(keeping, "ROWS", 2)
    early = [(-1, 1, 0), (0, 1, 11), *((0, 2, n) for n in range(7))]
    await kept.active(early)
    before, summed = await kept.numbers(), await kept.summed()
    await kept.keep()
    assert (await kept.numbers(), await kept.summed()) == (before, summed)
    assert await kept.count("day_devices") == 1  # the version that few have, and nothing of the day before
    assert (summed.days[-1].active, summed.days[-1].newcomers) == (8, 7)
    assert not await promise_keeping(kept.core, WORKSPACE)
    await kept.active([*early, (0, 2, 8)])
    assert (await kept.numbers())[1] == {kept.today - 1: 1, kept.today: 9}
    assert (await kept.summed()).days[-1].newcomers == 8
    kept.clock.now_ms += DAY_MS
    await kept.keep()
    found = await kept.summed()
    assert (await kept.count("day_devices"), [each.newcomers for each in found.days[-3:]]) == (0, [1, 8, 0])


async def test_those_who_ask_at_the_same_moment_share_one_count(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    await kept.active([(0, 1, n) for n in range(3)])
    counted = list[str]()

    async def read(tx: Transaction, app_id: str, first: int, end: int) -> dict[tuple[int, int], BitMap]:
        counted.append(app_id)
        return await read_active(tx, app_id, first, end)

    monkeypatch.setattr(summary, "read_active", read)
    found = await asyncio.gather(*(kept.summed() for _ in range(6)), kept.summed("bank.demo.b"))
    assert [each.active_day for each in found] == [3] * 6 + [0]
    assert sorted(counted) == [APP, "bank.demo.b"]
