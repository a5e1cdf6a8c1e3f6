"""A connection of SQLAlchemy's plain engine for the event loop: each call runs in a thread, and to its end.

SQLAlchemy's own asyncio layer for SQLite costs a statement several hops between threads and greenlets, and a start
the import of the whole ORM.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NestedTransaction
from sqlalchemy.engine import CursorResult
from sqlalchemy.engine.cursor import CursorFetchStrategy, FullyBufferedCursorFetchStrategy
from sqlalchemy.sql.base import Executable

from sampan.platform.engines.unbroken import unbroken

Result = TypeVar("Result")


class ThreadedConnection:
    """One connection out of `engine`'s pool. `threads` must have one for each connection in use at a time.

    A call that began runs to its end even when its caller is cancelled, so that no thread is still at work on a
    connection that has another user.
    """

    def __init__(self, engine: Engine, threads: Executor) -> None:
        self._engine = engine
        self._threads = threads
        self._connection: Connection | None = None

    async def begin(self) -> None:
        """Take a connection and begin a transaction."""
        await self._in_thread(self._begin)

    async def execute(
        self,
        statement: Executable,
        parameters: list[dict[str, Any]] | dict[str, Any] | None = None,
        *,
        execution_options: Mapping[str, Any] | None = None,
    ) -> CursorResult[Any]:
        """Run one statement; its rows are all in memory when this returns."""
        return await self.run_sync(lambda connection: _execute(connection, statement, parameters, execution_options))

    async def run_sync(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` on the connection, in a thread."""
        return await self._in_thread(lambda: work(self._begun()))

    async def begin_nested(self) -> NestedTransaction:
        """Begin a savepoint; end it in `run_sync`."""
        return await self.run_sync(Connection.begin_nested)

    async def commit(self) -> None:
        """Commit."""
        await self.run_sync(Connection.commit)

    async def rollback(self) -> None:
        """Roll back."""
        await self.run_sync(Connection.rollback)

    async def invalidate(self) -> None:
        """Close the connection itself instead of giving it back to the pool."""
        await self.run_sync(Connection.invalidate)

    async def close(self) -> None:
        """Give the connection back, what is not committed undone; nothing when there is none."""
        if self._connection is not None:
            await self.run_sync(Connection.close)

    def _begin(self) -> None:
        self._connection = self._engine.connect()
        self._connection.begin()

    def _begun(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("begin() comes first")
        return self._connection

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await unbroken(asyncio.get_running_loop().run_in_executor(self._threads, work))


def _execute(
    connection: Connection,
    statement: Executable,
    parameters: list[dict[str, Any]] | dict[str, Any] | None,
    options: Mapping[str, Any] | None,
) -> CursorResult[Any]:
    result = connection.execute(statement, parameters, execution_options=options)
    # SQLAlchemy buffers some results by itself; the others would read from the database on the event loop.
    if type(result.cursor_strategy) is CursorFetchStrategy:
        result.cursor_strategy = FullyBufferedCursorFetchStrategy(result.cursor)
    return result
