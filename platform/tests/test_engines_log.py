"""The contract of the log engine, on every database. Another database is one parameter more in `store_at`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.engines.database import Database, SqliteDatabase
from sampan.platform.engines.log import Cursor, Entry, LogEntry, append, head, log_entries, log_heads, read
from sampan.platform.engines.tables import metadata
from sampan.platform.workspaces.store import Store

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000_000
OpenStore = Callable[[], AbstractAsyncContextManager[Store]]


class Oops(Exception):
    pass


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Open the same database anew each time, for tests that run many loops."""
    assert request.param == "sqlite"

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Store]:
        database: Database = SqliteDatabase(tmp_path / "log.sqlite")
        async with database.write() as connection:
            await connection.run_sync(lambda plain: metadata.create_all(plain, tables=[log_heads, log_entries]))
        yield Store(database)
        await database.close()

    return opened


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    async with open_store() as store:
        yield store


async def write(store: Store, *bodies: bytes, workspace: str = "demo", log: str = "audit") -> range:
    async with store.workspace(workspace).write() as tx:
        return await append(tx, log, [Entry("kind", body) for body in bodies], now_ms=NOW)


async def entries(
    store: Store, after: int = 0, *, workspace: str = "demo", log: str = "audit", limit: int = 10_000
) -> list[LogEntry]:
    async with store.workspace(workspace).read() as tx:
        return await read(tx, log, after=after, limit=limit)


async def test_entries_come_back_in_order_with_their_numbers(store: Store) -> None:
    assert await write(store, b"a", b"b") == range(1, 3)
    assert await write(store, b"c") == range(3, 4)
    assert await entries(store) == [LogEntry(n, NOW, "kind", body) for n, body in [(1, b"a"), (2, b"b"), (3, b"c")]]
    assert [entry.n for entry in await entries(store, 1, limit=1)] == [2]
    assert await entries(store, 3) == []


async def test_an_empty_log_has_head_zero_and_nothing_appended_is_nothing(store: Store) -> None:
    async with store.workspace("demo").write() as tx:
        assert await append(tx, "audit", [], now_ms=NOW) == range(0)
        assert await head(tx, "audit") == Cursor(1, 0)


async def test_a_roll_back_gives_the_numbers_back(store: Store) -> None:
    await write(store, b"a")

    async def append_and_fail() -> None:
        async with store.workspace("demo").write() as tx:
            assert await append(tx, "audit", [Entry("kind", b"lost")] * 3, now_ms=NOW) == range(2, 5)
            raise Oops

    with pytest.raises(Oops):
        await append_and_fail()
    assert await write(store, b"b") == range(2, 3)
    async with store.workspace("demo").read() as tx:
        assert await head(tx, "audit") == Cursor(1, 2)


async def test_logs_and_workspaces_number_for_themselves(store: Store) -> None:
    for workspace in ("demo", "other"):
        for log in ("audit", "outbox"):
            assert await write(store, b"x", workspace=workspace, log=log) == range(1, 2)
    assert len(await entries(store, workspace="other", log="outbox")) == 1


async def test_an_append_sees_its_own_entries_and_nobody_else_does(store: Store) -> None:
    async with store.workspace("demo").write() as tx:
        await append(tx, "audit", [Entry("kind", b"a")], now_ms=NOW)
        assert len(await read(tx, "audit", after=0, limit=10)) == 1
        assert await entries(store) == []
    assert len(await entries(store)) == 1


def test_cursors_order_by_incarnation_first() -> None:
    assert Cursor(1, 99) < Cursor(2, 1) < Cursor(2, 2)
    assert str(Cursor(3, 87)) == "3.87"


@dataclass(frozen=True)
class Plan:
    """What one writer does: how much it appends, in how many calls, and how it ends."""

    sizes: tuple[int, ...]
    ending: str
    pause: int


plans = st.lists(
    st.builds(
        Plan,
        st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple),
        st.sampled_from(["commit", "commit", "commit", "fail", "cancel"]),
        st.integers(0, 12),
    ),
    min_size=1,
    max_size=12,
)
fresh = count()


@given(plans=plans, readers=st.integers(1, 3), limit=st.integers(1, 5))
def test_with_many_writers_no_reader_misses_or_reorders(
    open_store: OpenStore, plans: list[Plan], readers: int, limit: int
) -> None:
    """Numbers have no gaps, each writer is in whole or out, and following the log shows exactly the log."""
    log = f"log-{next(fresh)}"

    async def check() -> None:
        async with open_store() as store:
            finished = asyncio.Event()
            followers = [asyncio.create_task(follow(store, log, limit, finished)) for _ in range(readers)]
            outcomes = await run_plans(store, log, plans)
            finished.set()
            final = await entries(store, log=log)
            assert [entry.n for entry in final] == list(range(1, len(final) + 1))
            for writer, (plan, outcome) in enumerate(zip(plans, outcomes, strict=True)):
                check_writer(writer, plan, outcome, final)
            for follower in followers:
                assert await follower == final

    asyncio.run(check())


async def run_plans(store: Store, log: str, plans: list[Plan]) -> list[object]:
    async def run(writer: int, plan: Plan) -> None:
        serial = count()
        async with store.workspace("demo").write() as tx:
            for size in plan.sizes:
                bodies = [Entry("kind", b"%d:%d" % (writer, next(serial))) for _ in range(size)]
                await append(tx, log, bodies, now_ms=NOW)
            if plan.ending == "fail":
                raise Oops

    async def cancel_later(task: asyncio.Task[None], plan: Plan) -> None:
        for _ in range(plan.pause * 5):
            await asyncio.sleep(0)
        task.cancel()

    tasks = [asyncio.create_task(run(writer, plan)) for writer, plan in enumerate(plans)]
    doomed = [cancel_later(task, plan) for task, plan in zip(tasks, plans, strict=True) if plan.ending == "cancel"]
    results = await asyncio.gather(*tasks, *doomed, return_exceptions=True)
    return list(results[: len(plans)])


def check_writer(writer: int, plan: Plan, outcome: object, final: list[LogEntry]) -> None:
    mine = [entry for entry in final if entry.body.startswith(b"%d:" % writer)]
    whole = [b"%d:%d" % (writer, serial) for serial in range(sum(plan.sizes))]
    assert [entry.body for entry in mine] in ([], whole)
    assert [entry.n for entry in mine] == list(range(mine[0].n, mine[0].n + len(mine))) if mine else True
    if outcome is None:
        assert [entry.body for entry in mine] == whole
    elif isinstance(outcome, Oops):
        assert mine == []
    else:
        assert isinstance(outcome, asyncio.CancelledError)
        assert plan.ending == "cancel"


async def follow(store: Store, log: str, limit: int, finished: asyncio.Event) -> list[LogEntry]:
    """Read on from the last number seen, as every reader of a log does, until the writers are done."""
    seen: list[LogEntry] = []
    while True:
        was_finished = finished.is_set()
        more = await entries(store, seen[-1].n if seen else 0, log=log, limit=limit)
        seen += more
        if was_finished and not more:
            return seen
        await asyncio.sleep(0)
