"""The doors to the rows: `store.workspace(id)` for everything, `store.system(door)` for the declared few."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from msgspec import Struct, field
from sqlalchemy import ColumnElement, FromClause, and_
from sqlalchemy.engine import CursorResult
from sqlalchemy.sql.base import Executable

from sampan.platform.engines.database import Connection, Database
from sampan.platform.engines.keys import Key, workspace_key
from sampan.platform.metrics import SYSTEM_DOORS
from sampan.platform.workspaces.guard import Guard, Scope, SystemDoor

OnTell = Callable[[str, str, Mapping[str, Any]], None]


class ScopedTransaction(Struct):
    """A transaction of one workspace, or of one system door (then `workspace_id` is the empty string)."""

    workspace_id: str
    dialect: str
    _connection: Connection
    _scope: Scope
    _on_change: Callable[[], None]
    _on_tell: OnTell
    _after_commit: list[Callable[[], None]] = field(default_factory=list)
    _told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def execute(
        self, statement: Executable, parameters: list[dict[str, Any]] | dict[str, Any] | None = None
    ) -> CursorResult[Any]:
        """Run one statement inside the scope; see `guard`."""
        options = {"sampan_scope": self._scope}
        return await self._connection.execute(statement, parameters, execution_options=options)

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the transaction is durable; never when it rolls back."""
        self._after_commit.append(action)

    def wake(self) -> None:
        """After COMMIT, tell every worker that this workspace changed."""
        if self._on_change not in self._after_commit:
            self._after_commit.append(self._on_change)

    def tell(self, topic: str, data: Mapping[str, Any]) -> None:
        """After COMMIT, tell whoever watches this workspace live; the same thing once for each transaction."""
        if (topic, data) not in self._told:
            self._told.append((topic, data))
            self._after_commit.append(lambda: self._on_tell(self.workspace_id, topic, data))

    def owns(self, *tables: FromClause) -> ColumnElement[bool]:
        """Return the condition that binds `tables` to this workspace, for a WHERE or an ON."""
        return and_(*(table.c.workspace_id == self.workspace_id for table in tables))


class Door(Struct, frozen=True):
    """Opens transactions of one scope."""

    _database: Database
    _scope: Scope
    _on_change: Callable[[], None]
    _on_tell: OnTell

    @property
    def workspace_id(self) -> str:
        """The workspace behind this door; the empty string behind a system door."""
        return self._scope.workspace_id or ""

    def key(self, *parts: str) -> Key:
        """Return a key of this workspace for objects, cache, bus and counters."""
        return workspace_key(self.workspace_id, *parts)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[ScopedTransaction]:
        """Open a read-only transaction on one unmoving view."""
        async with self._database.read() as connection:
            yield self._transaction(connection)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[ScopedTransaction]:
        """Open a write transaction; leaving it normally means durable, and then the after-commit actions run."""
        async with self._database.write() as connection:
            tx = self._transaction(connection)
            yield tx
        for action in tx._after_commit:
            action()

    def _transaction(self, connection: Connection) -> ScopedTransaction:
        return ScopedTransaction(
            self.workspace_id, self._database.dialect, connection, self._scope, self._on_change, self._on_tell
        )


class Store(Struct, frozen=True):
    """All rows of a deployment, behind doors."""

    database: Database
    on_change: Callable[[], None] = lambda: None
    on_tell: OnTell = lambda _workspace_id, _topic, _data: None

    def __post_init__(self) -> None:
        guard = Guard()
        for engine in self.database.engines:
            guard.listen(engine)

    def workspace(self, workspace_id: str) -> Door:
        """Open the door of one workspace."""
        return Door(self.database, Scope(workspace_id=workspace_id), self.on_change, self.on_tell)

    def system(self, door: SystemDoor) -> Door:
        """Open a declared system door; each use is counted by its name."""
        SYSTEM_DOORS.labels(door.name).inc()
        return Door(self.database, Scope(door=door), self.on_change, self.on_tell)
