"""The contract of jobs: promised in a transaction, done at least once, by one worker at a time, or visibly failed."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sampan.platform.engines.database import Database, SqliteDatabase
from sampan.platform.engines.job_runner import GiveUp, JobKind, JobRunner
from sampan.platform.engines.jobs import (
    Job,
    JobMissing,
    JobRow,
    JobState,
    LeaseLost,
    enqueue,
    jobs,
    page_jobs,
    retry_failed,
)
from sampan.platform.engines.log import Entry, append, log_entries, log_heads
from sampan.platform.engines.log import head as log_head
from sampan.platform.engines.paging import Paging
from sampan.platform.engines.tables import metadata
from sampan.platform.metrics import REGISTRY
from sampan.platform.workspaces.runners import JOBS_DOOR, build_job_runner
from sampan.platform.workspaces.store import Store

pytestmark = pytest.mark.anyio

START = 1_800_000_000_000
LEASE_MS = 30_000
Handler = Callable[[Job], Awaitable[None]]


class Clock:
    def __init__(self) -> None:
        self.ms = START

    def __call__(self) -> int:
        return self.ms


class Recorder:
    """A handler that remembers its jobs and does what the test says."""

    def __init__(self, *, problems: int = 0, error: type[Exception] = RuntimeError) -> None:
        self.seen: list[Job] = []
        self.problems = problems
        self.error = error

    async def __call__(self, job: Job) -> None:
        self.seen.append(job)
        if len(self.seen) <= self.problems:
            raise self.error("password=hunter2 is in the next line\n[parameters: hunter2]")


class Gate:
    """A handler that stops inside until the test opens it."""

    def __init__(self) -> None:
        self.inside = asyncio.Event()
        self.open = asyncio.Event()
        self.cancelled = 0

    async def __call__(self, job: Job) -> None:
        self.inside.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


@pytest.fixture
def clock() -> Clock:
    return Clock()


@contextlib.asynccontextmanager
async def open_store(path: Path) -> AsyncIterator[Store]:
    database: Database = SqliteDatabase(path)
    async with database.write() as connection:
        await connection.run_sync(lambda plain: metadata.create_all(plain, tables=[jobs, log_heads, log_entries]))
    yield Store(database)
    await database.close()


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    assert request.param == "sqlite"
    async with open_store(tmp_path / "jobs.sqlite") as store:
        yield store


def runner(store: Store, clock: Clock, *kinds: JobKind, concurrency: int = 4) -> JobRunner:
    door = store.system(JOBS_DOOR)
    return JobRunner(store.workspace, door, kinds, now_ms=clock, concurrency=concurrency, lease_ms=LEASE_MS)


async def promise(
    store: Store,
    kind: str = "mail",
    *,
    workspace: str = "demo",
    number: int = 0,
    run_at_ms: int = START,
    unique: str | None = None,
) -> str:
    async with store.workspace(workspace).write() as tx:
        return await enqueue(tx, kind, {"number": number}, run_at_ms=run_at_ms, unique=unique)


async def rows(store: Store, workspace: str = "demo") -> list[JobRow]:
    async with store.workspace(workspace).read() as tx:
        return (await page_jobs(tx, Paging())).items


async def work(job_runner: JobRunner) -> int:
    begun = await job_runner.poll()
    await job_runner.idle()
    return begun


async def test_a_job_is_done_once_and_its_row_goes(store: Store, clock: Clock) -> None:
    handler = Recorder()
    job_runner = runner(store, clock, JobKind("mail", handler))
    job_id = await promise(store, number=7)
    assert await work(job_runner) == 1
    assert await work(job_runner) == 0
    assert [(job.workspace_id, job.job_id, job.payload, job.attempt) for job in handler.seen] == [
        ("demo", job_id, {"number": 7}, 1)
    ]
    assert await rows(store) == []


async def test_a_promise_that_rolls_back_was_never_made(store: Store, clock: Clock) -> None:
    handler = Recorder()

    async def promise_and_fail() -> None:
        async with store.workspace("demo").write() as tx:
            await enqueue(tx, "mail", {}, run_at_ms=START)
            raise LookupError

    with pytest.raises(LookupError):
        await promise_and_fail()
    assert await work(runner(store, clock, JobKind("mail", handler))) == 0
    assert handler.seen == []


async def test_a_job_waits_for_its_time(store: Store, clock: Clock) -> None:
    job_runner = runner(store, clock, JobKind("mail", Recorder()))
    await promise(store, run_at_ms=START + 1000)
    clock.ms += 999
    assert await work(job_runner) == 0
    clock.ms += 1
    assert await work(job_runner) == 1


async def test_kinds_that_this_worker_does_not_know_are_left_to_others(store: Store, clock: Clock) -> None:
    await promise(store, "unknown")
    assert await work(runner(store, clock, JobKind("mail", Recorder()))) == 0
    assert [row.state for row in await rows(store)] == [JobState.WAITING]


async def test_a_failing_job_is_tried_again_with_growing_pauses(store: Store, clock: Clock) -> None:
    handler = Recorder(problems=3)
    job_runner = runner(store, clock, JobKind("mail", handler))
    await promise(store)
    for attempt, pause in [(1, 1000), (2, 2000), (3, 4000)]:
        assert await work(job_runner) == 1
        (row,) = await rows(store)
        assert (row.state, row.attempts, row.run_at_ms) == (JobState.WAITING, attempt, clock.ms + pause)
        clock.ms += pause - 1
        assert await work(job_runner) == 0
        clock.ms += 1
    assert await work(job_runner) == 1
    assert await rows(store) == []
    assert [job.fence for job in handler.seen] == [1, 2, 3, 4]


async def test_a_job_that_failed_too_often_stays_as_failed_and_can_be_tried_again(store: Store, clock: Clock) -> None:
    handler = Recorder(problems=2)
    job_runner = runner(store, clock, JobKind("mail", handler, max_attempts=2))
    job_id = await promise(store)
    for _ in range(3):
        await work(job_runner)
        clock.ms += 10_000_000
    (row,) = await rows(store)
    assert (row.state, row.attempts, row.last_error) == (
        JobState.FAILED,
        2,
        "RuntimeError: password=hunter2 is in the next line",
    )
    assert await work(job_runner) == 0
    assert REGISTRY.get_sample_value("sampan_jobs", {"kind": "mail", "state": "failed"}) == 1
    async with store.workspace("demo").write() as tx:
        await retry_failed(tx, job_id, now_ms=clock())
    assert await work(job_runner) == 1
    assert await rows(store) == []


async def test_a_handler_may_give_up_at_once(store: Store, clock: Clock) -> None:
    await promise(store)
    await work(runner(store, clock, JobKind("mail", Recorder(problems=1, error=GiveUp))))
    assert [(row.state, row.attempts) for row in await rows(store)] == [(JobState.FAILED, 1)]


async def test_only_a_failed_job_of_this_workspace_is_tried_again(store: Store, clock: Clock) -> None:
    job_id = await promise(store)
    for workspace in ("demo", "other"):
        with pytest.raises(JobMissing):
            async with store.workspace(workspace).write() as tx:
                await retry_failed(tx, job_id, now_ms=clock())


async def test_what_is_unique_joins_a_job_that_has_not_begun(store: Store, clock: Clock) -> None:
    gate, gate_started = Gate(), Recorder()
    first = await promise(store, number=1, run_at_ms=START + 5000, unique="tree")
    assert await promise(store, number=2, run_at_ms=START, unique="tree") == first
    assert await promise(store, number=3, run_at_ms=START + 9000, unique="tree") == first
    assert await promise(store, unique="other") != first
    assert await promise(store, "other kind", unique="tree") != first
    assert await promise(store, workspace="other", unique="tree") != first
    assert [(row.job_id, row.run_at_ms) for row in await rows(store) if row.job_id == first] == [(first, START)]
    job_runner = runner(store, clock, JobKind("mail", gate), JobKind("other kind", gate_started))
    await job_runner.poll()
    await gate.inside.wait()
    second = await promise(store, unique="tree")
    assert second != first
    gate.open.set()
    await job_runner.idle()


async def test_many_promises_of_one_unique_job_make_one(store: Store) -> None:
    ids = await asyncio.gather(*(promise(store, number=number, unique="tree") for number in range(30)))
    assert len(set(ids)) == 1
    assert len(await rows(store)) == 1


async def test_two_workers_never_do_one_job_twice(store: Store, clock: Clock) -> None:
    handler = Recorder()
    workers = [runner(store, clock, JobKind("mail", handler), concurrency=10) for _ in range(3)]
    ids = [await promise(store, number=number) for number in range(40)]
    while any(await asyncio.gather(*(worker.poll() for worker in workers))):
        for worker in workers:
            await worker.idle()
    assert sorted(job.job_id for job in handler.seen) == sorted(ids)


async def test_no_more_than_its_places_and_every_workspace_gets_a_turn(store: Store, clock: Clock) -> None:
    gate = Gate()
    for number in range(5):
        await promise(store, number=number)
    await promise(store, workspace="other", run_at_ms=START)
    job_runner = runner(store, clock, JobKind("mail", gate), concurrency=2)
    assert await job_runner.poll() == 2
    assert await job_runner.poll() == 0
    running = [
        [row.state for row in await rows(store, workspace)].count(JobState.RUNNING) for workspace in ("demo", "other")
    ]
    assert running == [1, 1]
    gate.open.set()
    await job_runner.idle()


async def test_a_lease_that_is_kept_alive_stays_and_one_that_is_not_goes_to_another(store: Store, clock: Clock) -> None:
    gate, other = Gate(), Recorder()
    first, second = runner(store, clock, JobKind("mail", gate)), runner(store, clock, JobKind("mail", other))
    await promise(store)
    await first.poll()
    await gate.inside.wait()
    for _ in range(5):
        clock.ms += LEASE_MS - 1
        await first.beat()
        assert await work(second) == 0
    clock.ms += LEASE_MS
    assert await work(second) == 1
    assert [(job.attempt, job.fence) for job in other.seen] == [(2, 2)]
    await first.beat()
    await first.idle()
    assert gate.cancelled == 1
    assert await rows(store) == []


async def test_who_lost_the_lease_changes_nothing(store: Store, clock: Clock) -> None:
    """A worker slept through its lease and wakes up with its work done: hold, finish and its end are refused."""
    outcomes: list[str] = []
    gate, other = Gate(), Gate()

    async def slow(job: Job) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await gate(job)
        for call in (job.hold, job.finish):
            try:
                async with store.workspace("demo").write() as tx:
                    await call(tx)
                    await append(tx, "effects", [Entry("late", b"")], now_ms=clock())
                outcomes.append("changed")
            except LeaseLost:
                outcomes.append("refused")

    first, second = runner(store, clock, JobKind("mail", slow)), runner(store, clock, JobKind("mail", other))
    await promise(store)
    await first.poll()
    await gate.inside.wait()
    clock.ms += LEASE_MS
    await second.poll()
    await other.inside.wait()
    gate.open.set()
    await first.idle()
    assert outcomes == ["refused", "refused"]
    assert [(row.state, row.attempts) for row in await rows(store)] == [(JobState.RUNNING, 2)]
    async with store.workspace("demo").read() as tx:
        assert (await log_head(tx, "effects")).n == 0
    other.open.set()
    await second.idle()
    assert await rows(store) == []


async def test_a_late_failure_or_heartbeat_does_not_touch_the_next_lease(store: Store, clock: Clock) -> None:
    gate, other = Gate(), Gate()

    async def fails_late(job: Job) -> None:
        await gate(job)
        raise RuntimeError("late")

    first, second = runner(store, clock, JobKind("mail", fails_late)), runner(store, clock, JobKind("mail", other))
    await promise(store)
    await first.poll()
    await gate.inside.wait()
    clock.ms += LEASE_MS
    await second.poll()
    await other.inside.wait()
    gate.open.set()
    await first.idle()
    assert [(row.state, row.attempts, row.last_error) for row in await rows(store)] == [(JobState.RUNNING, 2, "")]
    other.open.set()
    await second.idle()
    assert await rows(store) == []


async def test_effect_and_end_can_be_one_transaction(store: Store, clock: Clock) -> None:
    async def effect(job: Job) -> None:
        async with store.workspace("demo").write() as tx:
            await job.hold(tx)
            await append(tx, "effects", [Entry("done", b"")], now_ms=clock())
            await job.finish(tx)

    await promise(store)
    assert await work(runner(store, clock, JobKind("mail", effect))) == 1
    assert await rows(store) == []


async def test_a_job_that_kills_its_workers_fails_in_the_end(store: Store, clock: Clock) -> None:
    await promise(store)
    for _ in range(2):
        worker = runner(store, clock, JobKind("mail", Gate(), max_attempts=2))
        await worker.poll()  # and then nothing more is heard of it
        clock.ms += LEASE_MS
    assert await work(runner(store, clock, JobKind("mail", Recorder(), max_attempts=2))) == 0
    (row,) = await rows(store)
    assert (row.state, row.last_error) == (JobState.FAILED, "the worker did not come back from the last attempt")
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        if task.get_name().startswith("job "):
            task.cancel()
            await asyncio.wait([task])


async def test_a_stopping_worker_lets_jobs_end_and_hands_the_others_back(store: Store, clock: Clock) -> None:
    gate = Gate()
    job_runner = runner(store, clock, JobKind("mail", Recorder()), JobKind("slow", gate))
    await promise(store)
    await promise(store, "slow")
    running = asyncio.create_task(job_runner.run(grace_seconds=0.01))
    await gate.inside.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert gate.cancelled == 1
    assert [(row.kind, row.state, row.attempts) for row in await rows(store)] == [("slow", JobState.WAITING, 0)]
    other = Recorder()
    assert await work(runner(store, clock, JobKind("slow", other))) == 1
    assert [job.attempt for job in other.seen] == [1]


async def test_a_handler_that_is_cancelled_by_its_own_doing_counts_as_failed(store: Store, clock: Clock) -> None:
    async def cancels_itself(_: Job) -> None:
        raise asyncio.CancelledError

    await promise(store)
    await work(runner(store, clock, JobKind("mail", cancels_itself)))
    assert [(row.state, row.attempts) for row in await rows(store)] == [(JobState.WAITING, 1)]


async def test_a_running_worker_is_woken_by_the_commit(tmp_path: Path, clock: Clock) -> None:
    async with open_store(tmp_path / "woken.sqlite") as opened:
        handler, gate = Recorder(), Gate()
        kinds = [JobKind("mail", handler), JobKind("slow", gate)]
        wakes: list[JobRunner] = []
        store = Store(opened.database, on_change=lambda: wakes[0].wake())
        worker = build_job_runner(store, kinds, now_ms=clock)
        running = asyncio.create_task(worker.run(grace_seconds=0))
        wakes.append(worker)
        loop = asyncio.get_running_loop()
        started = loop.time()
        for _ in range(5):
            await promise(store)
        await promise(store, "slow")
        await asyncio.wait_for(gate.inside.wait(), 5)
        assert loop.time() - started < 0.9
        running.cancel()
        await asyncio.wait([running])


def test_a_killed_worker_s_job_is_done_after_restart(tmp_path: Path) -> None:
    path = tmp_path / "killed.sqlite"
    script = f"""
import asyncio, os, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_engines_jobs import *
async def die(job):
    os.kill(os.getpid(), 9)
async def main():
    async with open_store(pathlib.Path({str(path)!r})) as store:
        await promise(store, number=5)
        await work(runner(store, Clock(), JobKind("mail", die)))
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9

    async def after_restart() -> None:
        clock, handler = Clock(), Recorder()
        async with open_store(path) as store:
            worker = runner(store, clock, JobKind("mail", handler))
            assert await work(worker) == 0
            clock.ms += LEASE_MS
            assert await work(worker) == 1
        assert [(job.payload, job.attempt) for job in handler.seen] == [({"number": 5}, 2)]

    asyncio.run(after_restart())
