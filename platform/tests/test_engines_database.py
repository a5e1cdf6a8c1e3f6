"""The contract of the database engine. Another implementation is one parameter more in `database`."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from sampan.platform.engines.database import Database, SqliteDatabase, StorageFull
from sampan.platform.engines.postgres import PostgresDatabase

pytestmark = pytest.mark.anyio

# A table of this file's own: the engine stands below the workspace guard and knows nothing of it.
things = Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("note", String))


class Oops(Exception):
    pass


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    database: Database
    if request.param == "sqlite":
        database = SqliteDatabase(tmp_path / "test.sqlite")
    else:
        database = PostgresDatabase(request.getfixturevalue("postgres_url"))
    await create_table(database)
    yield database
    await database.close()


async def create_table(database: Database) -> None:
    async with database.write() as connection:
        await connection.run_sync(things.metadata.create_all)


async def add(database: Database, thing_id: int, note: str = "", *, fail: bool = False) -> None:
    async with database.write() as connection:
        await connection.execute(insert(things).values(id=thing_id, note=note))
        if fail:
            raise Oops


async def ids(database: Database) -> list[int]:
    async with database.read() as connection:
        return list((await connection.execute(select(things.c.id).order_by(things.c.id))).scalars())


async def test_what_is_written_is_there_when_the_call_returns(database: Database) -> None:
    await add(database, 1)
    assert await ids(database) == [1]


async def test_an_exception_undoes_the_transaction_and_comes_out(database: Database) -> None:
    with pytest.raises(Oops):
        await add(database, 1, fail=True)
    assert await ids(database) == []
    await add(database, 1)
    assert await ids(database) == [1]


async def test_a_broken_rule_of_the_database_undoes_only_its_own_transaction(database: Database) -> None:
    await add(database, 1)
    results = await asyncio.gather(add(database, 2), add(database, 1), add(database, 3), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), IntegrityError, type(None)]
    assert await ids(database) == [1, 2, 3]


async def test_of_many_writers_at_once_exactly_the_unfailed_are_there(database: Database) -> None:
    writers = [add(database, number, fail=number % 3 == 0) for number in range(600)]
    results = await asyncio.gather(*writers, return_exceptions=True)
    assert [number for number, result in enumerate(results) if isinstance(result, Oops)] == list(range(0, 600, 3))
    assert await ids(database) == [number for number in range(600) if number % 3]


async def test_a_reader_sees_one_state_however_long_it_reads(database: Database) -> None:
    await add(database, 1)
    async with database.read() as connection:
        count = select(func.count()).select_from(things)
        first = (await connection.execute(count)).scalar_one()
        await add(database, 2)
        assert (await connection.execute(count)).scalar_one() == first == 1
    assert await ids(database) == [1, 2]


async def test_a_reader_sees_nothing_that_is_not_committed(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(insert(things).values(id=1))
        assert await ids(database) == []
    assert await ids(database) == [1]


async def test_a_writer_sees_what_earlier_writers_did(database: Database) -> None:
    await add(database, 0, "0")

    async def increment() -> None:
        async with database.write() as connection:
            note = (await connection.execute(select(things.c.note).where(things.c.id == 0))).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(update(things).where(things.c.id == 0).values(note=str(int(note) + 1)))

    await asyncio.gather(*(increment() for _ in range(100)))
    async with database.read() as connection:
        assert (await connection.execute(select(things.c.note))).scalar_one() == "100"


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.read() as connection:
            await connection.execute(delete(things))


async def test_readers_do_not_wait_for_the_writer(database: Database) -> None:
    async with database.write():
        async with asyncio.timeout(5):
            assert await asyncio.gather(*(ids(database) for _ in range(20))) == [[]] * 20


async def test_a_writer_cancelled_while_it_waits_leaves_no_trace_and_holds_nobody_up(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(insert(things).values(id=1))
        waiting = asyncio.create_task(add(database, 2))
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
    assert await ids(database) == [1]
    await add(database, 3)
    assert await ids(database) == [1, 3]


@pytest.mark.parametrize("cancel_while", ["first writes", "second waits"])
async def test_a_group_whose_last_member_is_cancelled_is_still_committed(database: Database, cancel_while: str) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with database.write() as connection:
            await connection.execute(insert(things).values(id=1))
            inside.set()
            await go_on.wait()

    one = asyncio.create_task(first())
    await inside.wait()
    two = asyncio.create_task(add(database, 2))
    await asyncio.sleep(0)
    if cancel_while == "first writes":
        two.cancel()
        go_on.set()
    else:
        go_on.set()
        await asyncio.sleep(0)
        two.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([one, two])
    assert one.exception() is None
    assert 1 in await ids(database)
    await add(database, 3)
    assert 3 in await ids(database)


async def test_a_writer_cancelled_in_its_body_leaves_no_trace(database: Database) -> None:
    inside = asyncio.Event()

    async def never_ends() -> None:
        async with database.write() as connection:
            await connection.execute(insert(things).values(id=1))
            inside.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(never_ends())
    await inside.wait()
    others = [asyncio.create_task(add(database, number)) for number in (2, 3)]
    await asyncio.sleep(0)
    writer.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*others)
    assert await ids(database) == [2, 3]


async def test_writers_cancelled_at_every_moment_never_block_or_tear(database: Database) -> None:
    """Each writer adds two rows; wherever it is cancelled, both are there or neither."""

    async def add_pair(number: int) -> None:
        async with database.write() as connection:
            await connection.execute(insert(things).values(id=2 * number))
            await connection.execute(insert(things).values(id=2 * number + 1))

    for moment in range(40):
        tasks = [asyncio.create_task(add_pair(moment * 10 + number)) for number in range(6)]
        for _ in range(moment):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        async with asyncio.timeout(10):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None for result in results[1::2]), results
        found = set(await ids(database))
        for number in range(6):
            pair = {2 * (moment * 10 + number), 2 * (moment * 10 + number) + 1}
            assert pair <= found or not pair & found
            assert pair <= found or results[number] is not None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the only one whose disk a statement can fill
async def test_a_full_disk_fails_whom_it_hits_and_what_returned_stays(database: Database) -> None:
    async with database.write() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count={pages + 12}"))
    for number in range(3):
        await add(database, number, "x" * 3000)
    results = await asyncio.gather(
        *(add(database, number, "x" * 3000) for number in range(3, 60)), return_exceptions=True
    )
    kept = [number for number, result in enumerate(results, start=3) if result is None]
    failed = [result for result in results if result is not None]
    assert failed
    assert all(isinstance(result, StorageFull) for result in failed), failed
    assert await ids(database) == [0, 1, 2, *kept]
    async with database.write() as connection:
        await connection.execute(text("PRAGMA max_page_count=100000"))
    await add(database, 1000)
    assert 1000 in await ids(database)


async def test_waiting_writers_share_commits(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import event

    commits = 0

    def count(_: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(database.engines[-1], "commit", count)
    await asyncio.gather(*(add(database, number) for number in range(200)))
    assert len(await ids(database)) == 200
    assert 0 < commits < 20


def test_what_returned_before_a_kill_is_there_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "killed.sqlite"
    script = f"""
import asyncio, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from sampan.platform.engines.database import SqliteDatabase
from test_engines_database import add, create_table
async def main():
    database = SqliteDatabase(pathlib.Path({str(path)!r}))
    await create_table(database)
    async def one(number):
        await add(database, number)
        print(number, flush=True)
    for start in range(0, 100000, 10):
        await asyncio.gather(*(one(start + number) for number in range(10)))
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(300)]
        process.kill()
        told += [int(line) for line in process.stdout if line.endswith("\n")]

    async def check() -> None:
        database = SqliteDatabase(path)
        assert set(told) <= set(await ids(database))
        await add(database, 1_000_000)
        await database.close()

    asyncio.run(check())


async def test_sqlite_syncs_every_commit_to_the_disk_itself(tmp_path: Path) -> None:
    """No test can cut the power, so this one looks at the settings that survive it (sqlite.org/pragma.html)."""
    database = SqliteDatabase(tmp_path / "settings.sqlite")
    for opened in (database.write(), database.read()):
        async with opened as connection:
            assert (await connection.execute(text("PRAGMA synchronous"))).scalar_one() == 2
            assert (await connection.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
    await database.close()
