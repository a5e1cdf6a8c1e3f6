"""The contract of the outbox: every committed event reaches every consumer, in order, at least once."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from sampan.platform.engines.database import Database, SqliteDatabase
from sampan.platform.engines.log import log_entries, log_heads
from sampan.platform.engines.outbox import Consumer, ConsumerState, Event, emit, list_cursors, outbox_cursors
from sampan.platform.engines.outbox_dispatcher import BATCH_EVENTS, LEASE_MS, Dispatcher
from sampan.platform.engines.tables import metadata
from sampan.platform.metrics import REGISTRY
from sampan.platform.workspaces.runners import OUTBOX_DOOR, build_dispatcher
from sampan.platform.workspaces.store import Store

pytestmark = pytest.mark.anyio

START = 1_800_000_000_000


class Clock:
    def __init__(self) -> None:
        self.ms = START

    def __call__(self) -> int:
        return self.ms


class Handler:
    """Remembers events; raises as long as `broken`, or at the numbers in `stumbles`, once each."""

    def __init__(self, stumbles: set[int] | None = None) -> None:
        self.seen: list[Event] = []
        self.broken = False
        self.stumbles = stumbles or set()

    async def __call__(self, event: Event) -> None:
        if self.broken:
            raise RuntimeError("not today")
        if event.n in self.stumbles:
            self.stumbles.discard(event.n)
            raise RuntimeError("stumbled")
        self.seen.append(event)

    def numbers(self, workspace: str = "demo") -> list[int]:
        return [event.n for event in self.seen if event.workspace_id == workspace]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@contextlib.asynccontextmanager
async def open_store(path: Path) -> AsyncIterator[Store]:
    database: Database = SqliteDatabase(path)
    async with database.write() as connection:
        await connection.run_sync(
            lambda plain: metadata.create_all(plain, tables=[log_heads, log_entries, outbox_cursors])
        )
    yield Store(database)
    await database.close()


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    assert request.param == "sqlite"
    async with open_store(tmp_path / "outbox.sqlite") as store:
        yield store


def consumer(name: str, handler: Handler, *event_types: str) -> Consumer:
    return Consumer(name, frozenset(event_types or ("changed",)), handler)


def dispatcher(store: Store, clock: Clock, *consumers: Consumer, handler_seconds: float = 10.0) -> Dispatcher:
    door = store.system(OUTBOX_DOOR)
    return Dispatcher(store.workspace, door, consumers, now_ms=clock, handler_seconds=handler_seconds)


async def tell(store: Store, *numbers: int, workspace: str = "demo", event_type: str = "changed") -> None:
    async with store.workspace(workspace).write() as tx:
        for number in numbers:
            await emit(tx, event_type, {"number": number}, now_ms=START)


async def states(store: Store, workspace: str = "demo") -> list[ConsumerState]:
    async with store.workspace(workspace).read() as tx:
        return await list_cursors(tx)


def lag(name: str) -> float | None:
    return REGISTRY.get_sample_value("sampan_outbox_lag_events", {"consumer": name})


async def test_every_consumer_gets_every_event_it_wants_in_order(store: Store, clock: Clock) -> None:
    one, two = Handler(), Handler()
    mail = dispatcher(store, clock, consumer("one", one), consumer("two", two, "changed", "other"))
    await tell(store, 10, 20)
    await tell(store, 30, event_type="other")
    await tell(store, 40, workspace="second")
    assert await mail.poll() == 8
    assert one.numbers() == [1, 2]
    assert two.numbers() == [1, 2, 3]
    assert one.numbers("second") == two.numbers("second") == [1]
    assert one.seen[0] == Event("demo", 1, START, "changed", {"number": 10})
    assert await mail.poll() == 0
    assert len(one.seen) == 3


async def test_what_rolls_back_is_never_told(store: Store, clock: Clock) -> None:
    handler = Handler()

    async def tell_and_fail() -> None:
        async with store.workspace("demo").write() as tx:
            await emit(tx, "changed", {}, now_ms=START)
            raise LookupError

    with pytest.raises(LookupError):
        await tell_and_fail()
    assert await dispatcher(store, clock, consumer("one", handler)).poll() == 0
    assert handler.seen == []


async def test_a_new_consumer_starts_with_the_first_event(store: Store, clock: Clock) -> None:
    await tell(store, *range(BATCH_EVENTS * 2 + 50))
    handler = Handler()
    assert await dispatcher(store, clock, consumer("new", handler)).poll() == BATCH_EVENTS * 2 + 50
    assert handler.numbers() == list(range(1, BATCH_EVENTS * 2 + 51))


async def test_a_handler_that_fails_holds_up_itself_alone(store: Store, clock: Clock) -> None:
    good, bad = Handler(), Handler()
    bad.broken = True
    mail = dispatcher(store, clock, consumer("bad", bad), consumer("good", good))
    before = REGISTRY.get_sample_value("sampan_outbox_failures_total", {"consumer": "bad"}) or 0
    await tell(store, 1, 2)
    for attempt, pause_ms in [(1, 1000), (2, 2000), (3, 4000)]:
        await mail.poll()
        assert (await states(store))[0] == ConsumerState(
            "bad", 0, attempt, clock.ms + pause_ms, "RuntimeError: not today"
        )
        assert lag("bad") == 2
        clock.ms += pause_ms - 1
        assert await mail.poll() == 0
        clock.ms += 1
    assert REGISTRY.get_sample_value("sampan_outbox_failures_total", {"consumer": "bad"}) == before + 3
    assert (good.numbers(), lag("good")) == ([1, 2], 0)
    bad.broken = False
    await mail.poll()
    assert (bad.numbers(), lag("bad")) == ([1, 2], 0)
    assert (await states(store))[0] == ConsumerState("bad", 2, 0, 0, "")


async def test_a_failure_in_one_workspace_does_not_hold_up_another(store: Store, clock: Clock) -> None:
    handler = Handler(stumbles={2})
    mail = dispatcher(store, clock, consumer("one", handler))
    await tell(store, 1, 2, 3)
    await tell(store, 1, workspace="second")
    await mail.poll()
    assert (handler.numbers(), handler.numbers("second")) == ([1], [1])
    clock.ms += 1000
    await mail.poll()
    assert handler.numbers() == [1, 2, 3]


async def test_a_handler_without_end_is_cut_off_and_tried_again(store: Store, clock: Clock) -> None:
    async def hangs(_: Event) -> None:
        await asyncio.Event().wait()

    mail = dispatcher(store, clock, Consumer("slow", frozenset({"changed"}), hangs), handler_seconds=0.01)
    await tell(store, 1)
    await mail.poll()
    assert [(state.n, state.attempts) for state in await states(store)] == [(0, 1)]


async def test_two_workers_deliver_each_event_once_and_in_order(store: Store, clock: Clock) -> None:
    handler = Handler()
    workers = [dispatcher(store, clock, consumer("one", handler)) for _ in range(3)]
    for number in range(0, 300, 3):
        await tell(store, number, number + 1, number + 2)
        await asyncio.gather(*(worker.poll() for worker in workers))
        clock.ms += 1000
    await workers[0].poll()
    assert handler.numbers() == list(range(1, 301))


async def test_a_worker_that_lost_its_lease_does_not_move_the_cursor(store: Store, clock: Clock) -> None:
    inside, go_on, other = asyncio.Event(), asyncio.Event(), Handler()

    async def sleeps(_: Event) -> None:
        inside.set()
        await go_on.wait()

    sleeper = dispatcher(store, clock, Consumer("one", frozenset({"changed"}), sleeps))
    await tell(store, 1, 2)
    asleep = asyncio.create_task(sleeper.poll())
    await inside.wait()
    second = dispatcher(store, clock, consumer("one", other))
    assert await second.poll() == 0
    clock.ms += LEASE_MS
    assert await second.poll() == 2
    await tell(store, 3)
    other.broken = True
    await second.poll()
    go_on.set()
    await asleep
    (state,) = await states(store)
    assert (state.n, state.attempts) == (2, 1)


async def test_a_cancelled_dispatcher_keeps_what_was_handled(store: Store, clock: Clock) -> None:
    inside, seen = asyncio.Event(), Handler()

    async def stops_at_three(event: Event) -> None:
        if event.n == 3:
            inside.set()
            await asyncio.Event().wait()
        await seen(event)

    mail = dispatcher(store, clock, Consumer("one", frozenset({"changed"}), stops_at_three))
    await tell(store, 1, 2, 3, 4)
    running = asyncio.create_task(mail.run())
    await asyncio.wait_for(inside.wait(), 5)
    running.cancel()
    await asyncio.wait([running])
    rest = Handler()
    assert await dispatcher(store, clock, consumer("one", rest)).poll() == 2
    assert (seen.numbers(), rest.numbers()) == ([1, 2], [3, 4])


async def test_a_cursor_above_the_log_resynchronises(store: Store, clock: Clock) -> None:
    handler = Handler()
    mail = dispatcher(store, clock, consumer("one", handler))
    await tell(store, 1, 2)
    await mail.poll()
    async with store.workspace("demo").write() as tx:  # what a restore of an older log would leave behind
        await tx.execute(update(outbox_cursors).where(outbox_cursors.c.workspace_id == "demo").values(n=50))
        await tx.execute(update(log_heads).where(log_heads.c.workspace_id == "demo").values(incarnation=2))
    fresh = dispatcher(store, clock, consumer("one", handler))
    await fresh.poll()
    await tell(store, 3)
    await fresh.poll()
    assert handler.numbers() == [1, 2, 3]


async def test_two_consumers_of_one_name_are_refused(store: Store, clock: Clock) -> None:
    with pytest.raises(ValueError, match="one name"):
        dispatcher(store, clock, consumer("one", Handler()), consumer("one", Handler()))


async def test_a_running_dispatcher_is_woken_by_the_commit(tmp_path: Path, clock: Clock) -> None:
    async with open_store(tmp_path / "woken.sqlite") as opened:
        arrived = asyncio.Queue[int]()

        async def handle(event: Event) -> None:
            arrived.put_nowait(event.n)

        wakes: list[Dispatcher] = []
        store = Store(opened.database, on_change=lambda: wakes[0].wake())
        mail = build_dispatcher(store, [Consumer("one", frozenset({"changed"}), handle)], now_ms=clock)
        wakes.append(mail)
        running = asyncio.create_task(mail.run())
        loop = asyncio.get_running_loop()
        started = loop.time()
        for number in range(1, 6):
            await tell(store, number)
            assert await asyncio.wait_for(arrived.get(), 5) == number
        assert loop.time() - started < 0.9
        running.cancel()
        await asyncio.wait([running])


def test_a_kill_between_commit_and_delivery_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "killed.sqlite"
    script = f"""
import asyncio, os, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_engines_outbox import *
async def main():
    async with open_store(pathlib.Path({str(path)!r})) as store:
        await tell(store, 1, 2, 3)
        os.kill(os.getpid(), 9)
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert asyncio.run(delivered_after_restart(path, 0)) == [1, 2, 3]


def test_a_kill_during_delivery_delivers_again(tmp_path: Path) -> None:
    path = tmp_path / "killed.sqlite"
    script = f"""
import asyncio, os, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_engines_outbox import *
async def die(event):
    if event.n == 2:
        os.kill(os.getpid(), 9)
async def main():
    async with open_store(pathlib.Path({str(path)!r})) as store:
        await tell(store, 1, 2, 3)
        await dispatcher(store, Clock(), Consumer("one", frozenset(["changed"]), die)).poll()
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert asyncio.run(delivered_after_restart(path, 0)) == []
    assert asyncio.run(delivered_after_restart(path, LEASE_MS)) == [1, 2, 3]


async def delivered_after_restart(path: Path, later_ms: int) -> list[int]:
    clock, handler = Clock(), Handler()
    clock.ms += later_ms
    async with open_store(path) as store:
        await dispatcher(store, clock, consumer("one", handler)).poll()
    return handler.numbers()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(1, 4)),
        st.tuples(st.just("fail"), st.integers(1, 4)),
        st.tuples(st.just("poll"), st.integers(0, 1)),
        st.tuples(st.just("restart"), st.integers(0, 1)),
        st.tuples(st.just("later"), st.sampled_from([1, 1000, 60_000])),
    ),
    max_size=15,
)
fresh = count()


@given(steps=steps, stumbles=st.sets(st.integers(1, 20), max_size=5))
def test_whatever_happens_each_event_comes_once_and_in_order(
    tmp_path: Path, steps: list[tuple[str, int]], stumbles: set[int]
) -> None:
    """No process dies here, so "at least once" is exactly once for events that were handled without an error."""

    async def check() -> None:
        clock, handler, told = Clock(), Handler(stumbles=set(stumbles)), 0
        async with open_store(tmp_path / f"{next(fresh)}.sqlite") as store:
            workers = [dispatcher(store, clock, consumer("one", handler)) for _ in range(2)]
            for action, number in steps:
                if action == "tell":
                    await tell(store, *range(number))
                    told += number
                elif action == "fail":
                    with contextlib.suppress(LookupError):
                        async with store.workspace("demo").write() as tx:
                            await emit(tx, "changed", {}, now_ms=START)
                            raise LookupError
                elif action == "poll":
                    await workers[number].poll()
                elif action == "restart":
                    workers[number] = dispatcher(store, clock, consumer("one", handler))
                else:
                    clock.ms += number
            for _ in range(len(stumbles) + 1):
                clock.ms += 1_000_000
                await workers[0].poll()
            assert handler.numbers() == list(range(1, told + 1))

    asyncio.run(check())
