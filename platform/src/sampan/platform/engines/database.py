"""The database engine: read transactions on one unmoving view, write transactions that are durable on return.

SQLite is the embedded implementation: WAL, full sync, readers beside exactly one writer, and group commit:
callers that arrive while another holds the writer join its transaction in savepoints of their own and share
one COMMIT, hence one fsync. A caller's context manager returns only after that COMMIT.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from sqlalchemy import event
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.base import Executable

from sampan.platform.errors import Unavailable

READERS = 4
MEMBERS_PER_COMMIT = 256


class StorageFull(Unavailable):
    """The disk or the quota is full; the change was not made."""

    code: ClassVar[str] = "storage_full"
    title: ClassVar[str] = "No room left on the server"


class Transaction(Protocol):
    """What repositories get: statements of one transaction, bound to one workspace by the guard."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`, for the few statements that differ (upserts)."""

    @property
    def workspace_id(self) -> str:
        """The workspace whose rows this transaction may touch."""

    async def execute(
        self, statement: Executable, parameters: list[dict[str, Any]] | dict[str, Any] | None = None
    ) -> CursorResult[Any]:
        """Run one statement; the guard refuses it when it is not bound to the workspace."""

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the transaction is durable; never when it rolls back."""

    def wake(self) -> None:
        """After COMMIT, tell every worker that this workspace changed."""


class Database(Protocol):
    """One database of one deployment. Connections are handed to the workspace guard only."""

    dialect: str

    @property
    def engines(self) -> Sequence[AsyncEngine]:
        """The connection pools, so that the workspace guard can listen on each."""

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a read-only transaction: every statement in it sees the same state."""

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a write transaction: leaving it normally means committed and durable; an exception undoes it."""

    async def close(self) -> None:
        """Close all connections."""


class SqliteDatabase:
    """The embedded database in one file."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        url = f"sqlite+aiosqlite:///{path}"
        self._readers = create_async_engine(url, pool_size=READERS, max_overflow=0)
        self._writer = create_async_engine(url, pool_size=1, max_overflow=0)
        _configure(self._readers, begin="BEGIN", read_only=True)
        _configure(self._writer, begin="BEGIN IMMEDIATE", read_only=False)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._group: _CommitGroup | None = None
        self._closing: asyncio.Future[None] | None = None

    @property
    def engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        """Readers and writer, for the guard's listeners."""
        return self._readers, self._writer

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """See `Database.read`."""
        async with self._readers.connect() as connection, connection.begin():
            yield connection

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """See `Database.write`. The body holds the one writer: keep slow work (hashing, files) outside."""
        await self._take_turn()
        try:
            group = self._group = self._group or await _CommitGroup.open(self._writer)
            try:
                async with group.member() as connection:
                    yield connection
            finally:
                if self._waiting == 0 or group.members >= MEMBERS_PER_COMMIT:
                    self._group = None
                    await asyncio.shield(asyncio.ensure_future(group.close()))
        finally:
            self._turn.release()
        await asyncio.shield(group.durable)

    async def _take_turn(self) -> None:
        self._waiting += 1
        try:
            await self._turn.acquire()
        except asyncio.CancelledError:
            if self._waiting == 1 and self._group is not None:
                # The group was left open for this caller, who will not come: let someone else close it.
                self._closing = asyncio.ensure_future(self._close_abandoned())
            raise
        finally:
            self._waiting -= 1

    async def _close_abandoned(self) -> None:
        async with self._turn:
            if self._group is not None and self._waiting == 0:
                group, self._group = self._group, None
                await group.close()

    async def close(self) -> None:
        """See `Database.close`."""
        await self._readers.dispose()
        await self._writer.dispose()


class _CommitGroup:
    """One open transaction that several callers share, each in a savepoint of its own."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.members = 0
        self.durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, engine: AsyncEngine) -> "_CommitGroup":
        connection = await engine.connect()
        try:
            with _named_storage_errors():
                await connection.begin()
        except BaseException:
            await connection.close()
            raise
        return cls(connection)

    @contextlib.asynccontextmanager
    async def member(self) -> AsyncIterator[AsyncConnection]:
        with _named_storage_errors():
            savepoint = await self._connection.begin_nested()
            try:
                yield self._connection
            except BaseException:
                await asyncio.shield(asyncio.ensure_future(savepoint.rollback()))
                raise
            await savepoint.commit()
        self.members += 1

    async def close(self) -> None:
        try:
            with _named_storage_errors():
                if self.members:
                    await self._connection.commit()
                else:
                    await self._connection.rollback()
            self.durable.set_result(None)
        except BaseException as problem:
            self.durable.set_exception(problem)
            self.durable.exception()  # marks it as retrieved when every member was cancelled
            await self._connection.invalidate()
        finally:
            await self._connection.close()


def _configure(engine: AsyncEngine, *, begin: str, read_only: bool) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = dbapi_connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin_explicitly(connection: Any) -> None:
        connection.exec_driver_sql(begin)


@contextlib.contextmanager
def _named_storage_errors() -> Any:
    try:
        yield
    except OperationalError as problem:
        if "disk is full" in str(problem.orig):
            raise StorageFull("The server's disk is full. Free room, then try again; nothing was changed.") from (
                problem
            )
        raise
