"""The database engine: read transactions on one unmoving view, write transactions that are durable on return.

SQLite is the embedded implementation: WAL, full sync, readers beside exactly one writer, and group commit:
callers that arrive while another holds the writer join its transaction in savepoints of their own and share
one COMMIT, hence one fsync. A caller's context manager returns only after that COMMIT.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, cast

from sqlalchemy import event
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction, create_async_engine
from sqlalchemy.sql.base import Executable

from sampan.platform.errors import Unavailable

Result = TypeVar("Result")

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
        # Bound values are personal data: they must not reach a log through an error's text.
        self._readers = create_async_engine(url, pool_size=READERS, max_overflow=0, hide_parameters=True)
        self._writer = create_async_engine(url, pool_size=1, max_overflow=0, hide_parameters=True)
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
            try:
                if self._group is None:
                    await _unbroken(self._open_group())
                group = cast(_CommitGroup, self._group)
                async with group.member() as connection:
                    yield connection
            finally:
                await self._close_group_unless_wanted()
        finally:
            self._turn.release()
        await asyncio.shield(group.durable)

    async def _open_group(self) -> None:
        self._group = await _CommitGroup.open(self._writer)

    async def _close_group_unless_wanted(self) -> None:
        group = self._group
        if group is None:
            return
        if self._waiting == 0 or group.joined >= MEMBERS_PER_COMMIT or group.is_broken:
            self._group = None
            await _unbroken(group.close())

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
            await self._close_group_unless_wanted()

    async def close(self) -> None:
        """See `Database.close`."""
        await self._readers.dispose()
        await self._writer.dispose()


class _WriterConnection(AsyncConnection):
    """The writer's connection, which others share: a statement that began runs to its end.

    SQLAlchemy gives a connection up whose statement was cancelled, and with it everybody's transaction.
    """

    async def execute(self, *arguments: Any, **options: Any) -> CursorResult[Any]:
        """See `AsyncConnection.execute`."""
        return await _unbroken(super().execute(*arguments, **options))


class _CommitGroup:
    """One open transaction that several callers share, each in a savepoint of its own."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._problem: Exception | None = None
        self.joined = 0
        self._members = 0
        self.durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, engine: AsyncEngine) -> "_CommitGroup":
        connection = _WriterConnection(engine)
        await connection.start()
        try:
            with _named_storage_errors():
                await connection.begin()
        except BaseException:
            await connection.close()
            raise
        return cls(connection)

    @property
    def is_broken(self) -> bool:
        """Whether the database gave the whole transaction up, as it may when the disk is full."""
        return self._problem is not None

    @contextlib.asynccontextmanager
    async def member(self) -> AsyncIterator[AsyncConnection]:
        self.joined += 1
        with _named_storage_errors():
            savepoint = self._connection.begin_nested()
            await _unbroken(_start(savepoint))
            try:
                yield self._connection
            except BaseException as problem:
                await _unbroken(self._roll_back(savepoint, problem))
                raise
            await _unbroken(self._release(savepoint))

    async def close(self) -> None:
        try:
            with _named_storage_errors():
                if self._problem is not None:
                    raise self._problem
                if self._members:
                    await self._connection.commit()
                else:
                    await self._connection.rollback()
            self.durable.set_result(None)
        except Exception as problem:
            self.durable.set_exception(problem)
            self.durable.exception()  # marks it as retrieved when every member was cancelled
            await self._connection.invalidate()
        finally:
            await self._connection.close()

    async def _release(self, savepoint: AsyncTransaction) -> None:
        try:
            await savepoint.commit()
        except Exception as problem:
            self._problem = problem
            raise
        self._members += 1

    async def _roll_back(self, savepoint: AsyncTransaction, cause: BaseException) -> None:
        try:
            await savepoint.rollback()
        except Exception as problem:
            self._problem = cause if isinstance(cause, Exception) else problem


async def _start(savepoint: AsyncTransaction) -> None:
    await savepoint


async def _unbroken(work: Coroutine[Any, Any, Result]) -> Result:
    """Await `work` to its end even when cancelled, also again and again; then the cancellation goes on."""
    running = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as problem:
            cancelled = problem
    if cancelled is not None:
        running.cancelled() or running.exception()  # marks it as retrieved
        raise cancelled
    return running.result()


def _configure(engine: AsyncEngine, *, begin: str, read_only: bool) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = dbapi_connection.cursor()
        safe = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")
        for pragma in (*safe, "secure_delete=ON"):  # what is erased leaves no bytes in free pages
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
