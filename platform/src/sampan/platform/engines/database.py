"""The database engine: read transactions on one unmoving view, write transactions that are durable on return.

SQLite is the embedded implementation: WAL, full sync, readers beside exactly one writer, and group commit:
callers that arrive while another holds the writer join its transaction in savepoints of their own and share
one COMMIT, hence one fsync. A caller's context manager returns only after that COMMIT.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, cast

from sqlalchemy import Connection as PlainConnection
from sqlalchemy import Engine, NestedTransaction, create_engine, event
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.base import Executable

from sampan.platform.engines.connection import ThreadedConnection
from sampan.platform.engines.unbroken import unbroken
from sampan.platform.errors import Unavailable

Result = TypeVar("Result")

READERS = 4
MEMBERS_PER_COMMIT = 256
DISK_IS_FULL = ("disk is full", "No space left on device")  # as SQLite and PostgreSQL say it


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

    def tell(self, topic: str, data: Mapping[str, Any]) -> None:
        """After COMMIT, tell whoever watches this workspace live; the same thing once for each transaction."""


class Connection(Protocol):
    """One transaction of the database, as the engine hands it to the workspace guard."""

    async def execute(
        self,
        statement: Executable,
        parameters: list[dict[str, Any]] | dict[str, Any] | None = None,
        *,
        execution_options: Mapping[str, Any] | None = None,
    ) -> CursorResult[Any]:
        """Run one statement; its rows are all in memory when this returns."""

    async def run_sync(self, work: Callable[[PlainConnection], Result]) -> Result:
        """Run `work` on SQLAlchemy's plain connection, off the event loop."""


class Database(Protocol):
    """One database of one deployment. Connections are handed to the workspace guard only."""

    dialect: str

    @property
    def engines(self) -> Sequence[Engine]:
        """The connection pools, so that the workspace guard can listen on each."""

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """Open a read-only transaction: every statement in it sees the same state."""

    def write(self) -> AbstractAsyncContextManager[Connection]:
        """Open a write transaction: leaving it normally means committed and durable; an exception undoes it."""

    async def close(self) -> None:
        """Close all connections."""


class GroupCommitDatabase:
    """Readers beside one writer at a time, whose callers share commits. `engines` are theirs, in this order.

    What the writer's engine begins must keep every other writer out until it commits, those of other processes too.
    """

    dialect: str

    def __init__(self, readers: Engine, writer: Engine) -> None:
        self._readers, self._writer = readers, writer
        self._threads = ThreadPoolExecutor(READERS + 1, thread_name_prefix="database")
        self._free_readers = asyncio.Semaphore(READERS)  # nobody waits for a connection inside a thread
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._group: _CommitGroup | None = None
        self._closing: asyncio.Future[None] | None = None

    @property
    def engines(self) -> tuple[Engine, Engine]:
        """Readers and writer, for the guard's listeners."""
        return self._readers, self._writer

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """See `Database.read`."""
        async with self._free_readers:
            connection = ThreadedConnection(self._readers, self._threads)
            try:
                await connection.begin()
                yield connection
            finally:
                await connection.close()

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """See `Database.write`. The body holds the one writer: keep slow work (hashing, files) outside."""
        await self._take_turn()
        try:
            try:
                if self._group is None:
                    await unbroken(self._open_group())
                group = cast(_CommitGroup, self._group)
                async with group.member() as connection:
                    yield connection
            finally:
                await self._close_group_unless_wanted()
        finally:
            self._turn.release()
        await asyncio.shield(group.durable)

    async def _open_group(self) -> None:
        self._group = await _CommitGroup.open(ThreadedConnection(self._writer, self._threads))

    async def _close_group_unless_wanted(self) -> None:
        group = self._group
        if group is None:
            return
        if self._waiting == 0 or group.joined >= MEMBERS_PER_COMMIT or group.is_broken:
            self._group = None
            await unbroken(group.close())

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
        async with self._turn:  # behind every writer that came before
            await asyncio.to_thread(self._dispose)

    def _dispose(self) -> None:
        self._threads.shutdown()
        self._readers.dispose()
        self._writer.dispose()


class SqliteDatabase(GroupCommitDatabase):
    """The embedded database in one file."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        super().__init__(
            _open(path, connections=READERS, begin="BEGIN", read_only=True),
            _open(path, connections=1, begin="BEGIN IMMEDIATE", read_only=False),
        )


class _CommitGroup:
    """One open transaction that several callers share, each in a savepoint of its own."""

    def __init__(self, connection: ThreadedConnection) -> None:
        self._connection = connection
        self._problem: Exception | None = None
        self.joined = 0
        self._members = 0
        self.durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, connection: ThreadedConnection) -> "_CommitGroup":
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
    async def member(self) -> AsyncIterator[Connection]:
        self.joined += 1
        with _named_storage_errors():
            savepoint = await self._connection.begin_nested()
            try:
                yield self._connection
            except BaseException as problem:
                await unbroken(self._roll_back(savepoint, problem))
                raise
            await unbroken(self._release(savepoint))

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
        except Exception as problem:  # every member waits for `durable`, and hears it there
            self.durable.set_exception(problem)
            self.durable.exception()  # marks it as retrieved when every member was cancelled
            await self._connection.invalidate()
        finally:
            await self._connection.close()

    async def _release(self, savepoint: NestedTransaction) -> None:
        try:
            await self._connection.run_sync(lambda _connection: savepoint.commit())
        except Exception as problem:
            self._problem = problem
            raise
        self._members += 1

    async def _roll_back(self, savepoint: NestedTransaction, cause: BaseException) -> None:
        try:
            await self._connection.run_sync(lambda _connection: savepoint.rollback())
        except Exception as problem:  # kept until `close`, which raises it
            self._problem = cause if isinstance(cause, Exception) else problem


def _open(path: Path, *, connections: int, begin: str, read_only: bool) -> Engine:
    # Bound values are personal data: they must not reach a log through an error's text.
    engine = create_engine(f"sqlite:///{path}", pool_size=connections, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def set_pragmas(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = dbapi_connection.cursor()
        safe = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")
        for pragma in (*safe, "secure_delete=ON"):  # what is erased leaves no bytes in free pages
            cursor.execute(f"PRAGMA {pragma}")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_explicitly(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


@contextlib.contextmanager
def _named_storage_errors() -> Any:
    try:
        yield
    except OperationalError as problem:
        if any(sentence in str(problem.orig) for sentence in DISK_IS_FULL):
            raise StorageFull("The server's disk is full. Free room, then try again; nothing was changed.") from (
                problem
            )
        raise
