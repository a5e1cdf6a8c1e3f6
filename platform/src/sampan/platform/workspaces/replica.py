"""What a worker holds of each workspace in memory: compiled snapshot parts and states that follow a log.

The data plane answers from here and never from SQL. One poll a second reads the revisions and log heads of
all workspaces and is the truth; a wake-up from the bus only makes it come sooner. Only what changed is read
again, in one repeatable-read transaction, and swapped in by one assignment. A part that does not compile
keeps its last good value and makes the worker unready; a workspace that cannot be read grows old alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct, field
from sqlalchemy import select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.doors import wait_for_wake
from sampan.platform.engines.log import Cursor, LogEntry, log_heads
from sampan.platform.engines.log import head as log_head
from sampan.platform.engines.log import read as read_log
from sampan.platform.errors import NotFound, Unavailable
from sampan.platform.logs import Log
from sampan.platform.metrics import SNAPSHOT_REVISION
from sampan.platform.workspaces.guard import SystemDoor
from sampan.platform.workspaces.revisions import current_revision, part_revisions, revisions
from sampan.platform.workspaces.store import Store

POLL_SECONDS = 1.0
ENTRIES_PER_READ = 5000
POLL_DOOR = SystemDoor(
    "revision poll",
    "one read a second tells every worker which workspaces changed",
    reads=frozenset({revisions, log_heads}),
)
log = Log("replica")


class UnknownWorkspace(NotFound):
    """No workspace of this name on this server."""

    code = "unknown_workspace"


class StaleWorker(Unavailable):
    """This worker has not seen the revision that the client has seen; another try reaches it or a fresh one."""

    code = "stale_worker"


class SnapshotPart(Struct, frozen=True):
    """A compiled part of the snapshot: `load` reads its rows, `compile` turns them into an immutable value."""

    name: str
    load: Callable[[Transaction], Awaitable[Any]]
    compile: Callable[[Any], Any]


class Followed(Protocol):
    """A state of one workspace that follows a log; `apply` must be idempotent per entry number."""

    def apply(self, entries: Sequence[LogEntry]) -> None:
        """Take the next entries, in order."""


class FollowedLog(Struct, frozen=True):
    """A log whose entries update a state in memory; `load` reads the whole state as of the transaction."""

    log: str
    load: Callable[[Transaction], Awaitable[Followed]]


class WorkspaceView(Struct, frozen=True):
    """One workspace in memory. Parts are immutable; followed states change in place, between awaits only."""

    revision: Cursor
    parts: dict[str, Any]
    followed: dict[str, Any]
    cursors: dict[str, Cursor]
    part_numbers: dict[str, int]


class Replica(Struct):
    """The memory of one worker, kept up to date by `run`."""

    store: Store
    parts: Sequence[SnapshotPart]
    logs: Sequence[FollowedLog]
    now_ms: Callable[[], int]
    last_good_poll_ms: int = 0
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    listeners: list[Callable[[str], None]] = field(default_factory=list)  # told the workspace whose view changed
    _unread_since_ms: dict[str, int] = field(default_factory=dict)
    _views: dict[str, WorkspaceView] = field(default_factory=dict)
    _polling: asyncio.Task[None] | None = None
    _next: asyncio.Task[None] | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def view(self, workspace_id: str) -> WorkspaceView:
        """Return the workspace's present view; raise `UnknownWorkspace`, or `StaleWorker` when it was never read."""
        try:
            return self._views[workspace_id]
        except KeyError:
            if workspace_id in self._unread_since_ms:
                raise _stale() from None
            raise UnknownWorkspace(f"There is no workspace {workspace_id!r} on this server.") from None

    @property
    def workspaces(self) -> Sequence[str]:
        """The ids of all workspaces that this worker holds."""
        return list(self._views)

    def age_ms(self, workspace_id: str | None = None) -> int:
        """How old the last good poll is: of one workspace, or of the one that is worst off."""
        unread = self._unread_since_ms
        if not unread:
            return self.now_ms() - self.last_good_poll_ms
        names = unread.keys() if workspace_id is None else unread.keys() & {workspace_id}
        return self.now_ms() - min([self.last_good_poll_ms, *(unread[name] for name in names)])

    def wake(self) -> None:
        """Poll at once instead of at the next second."""
        self._wake.set()

    async def poll(self) -> None:
        """Bring every view up to the state committed before this call; calls at the same time share polls.

        A poll under way may have read before the caller's commit, so a caller that finds one waits for the
        next one too; for no more than that, however many others call meanwhile.
        """
        if self._next is None:
            if self._polling is None or self._polling.done():
                self._polling = asyncio.ensure_future(self._poll_once())
                await asyncio.shield(self._polling)
                return
            self._next = asyncio.ensure_future(self._poll_after(self._polling))
        await asyncio.shield(self._next)

    async def catch_up(self, workspace_id: str, seen: Cursor) -> WorkspaceView:
        """Return a view at or above `seen`, after one poll if need be; raise `StaleWorker` when the poll fails.

        After a good poll this worker knows what the database knows, so a higher `seen` was never handed out
        (a damaged client, or one that lies) and is ignored.
        """
        view = self.view(workspace_id)
        if view.revision >= seen:
            return view
        try:
            await self.poll()
        except Exception as problem:  # why stands in the cause; the caller can only come again
            raise _stale() from problem
        if workspace_id in self._unread_since_ms:
            raise _stale()
        return self.view(workspace_id)

    async def run(self) -> None:
        """Poll until cancelled, on wake-up and once a second in any case; a poll under way is finished first."""
        try:
            while True:
                self._wake.clear()
                await self._poll_and_outlive_faults()
                await wait_for_wake(self._wake, POLL_SECONDS)
        finally:
            if begun := [task for task in (self._polling, self._next) if task is not None]:
                await asyncio.wait(begun)

    async def _poll_and_outlive_faults(self) -> None:
        try:
            await self.poll()
        except Exception:
            # The poll is the worker's heartbeat: it must outlive a database that is away for a while;
            # `age_ms` tells everyone who depends on it.
            log.exception("poll_failed")

    async def _poll_after(self, running: asyncio.Task[None]) -> None:
        await asyncio.wait([running])
        self._polling, self._next = self._next, None
        await self._poll_once()

    async def _poll_once(self) -> None:
        started_ms = self.now_ms()
        async with self.store.system(POLL_DOOR).read() as tx:
            known = {
                row.workspace_id: Cursor(row.incarnation, row.n)
                for row in await tx.execute(select(revisions.c.workspace_id, revisions.c.incarnation, revisions.c.n))
            }
            heads: dict[str, dict[str, int]] = {}
            for row in await tx.execute(select(log_heads.c.workspace_id, log_heads.c.log, log_heads.c.head)):
                heads.setdefault(row.workspace_id, {})[row.log] = row.head
        for workspace_id in [gone for gone in self._views if gone not in known]:
            del self._views[workspace_id]
            self._tell(workspace_id)
        for workspace_id in self._unread_since_ms.keys() - known:
            del self._unread_since_ms[workspace_id]
        for workspace_id, revision in known.items():
            view = self._views.get(workspace_id)
            if view is None or self._is_behind(view, revision, heads.get(workspace_id, {})):
                await self._refresh_or_note(workspace_id, view, started_ms)
        self.last_good_poll_ms = started_ms

    async def _refresh_or_note(self, workspace_id: str, view: WorkspaceView | None, started_ms: int) -> None:
        """Refresh one workspace; when that fails, it alone grows old, and the others go on."""
        try:
            await self._refresh(workspace_id, view)
            self._unread_since_ms.pop(workspace_id, None)
        except Exception:
            self._unread_since_ms.setdefault(workspace_id, self.last_good_poll_ms or started_ms)
            log.exception("workspace_not_read", workspace=workspace_id)

    def _is_behind(self, view: WorkspaceView, revision: Cursor, heads: dict[str, int]) -> bool:
        moved = any(heads.get(item.log, 0) != view.cursors[item.log].n for item in self.logs)
        return moved or view.revision != revision

    async def _refresh(self, workspace_id: str, view: WorkspaceView | None) -> None:
        async with self.store.workspace(workspace_id).read() as tx:
            revision = await current_revision(tx)
            numbers = await _part_numbers(tx)
            old = view if view is not None and view.revision.incarnation == revision.incarnation else None
            changed = [
                part
                for part in self.parts
                if old is None or part.name not in old.parts or numbers.get(part.name, 0) != old.part_numbers[part.name]
            ]
            rows = {part.name: await part.load(tx) for part in changed}
            followed, cursors, fresh = await self._read_logs(tx, old)
        parts = dict(old.parts) if old else {}
        for part in changed:
            self._compile(workspace_id, part, rows[part.name], parts)
            await asyncio.sleep(0)  # between parts other requests get their turn
        for name, entries in fresh.items():
            followed[name].apply(entries)
        SNAPSHOT_REVISION.labels(workspace_id).set(revision.n)
        self._views[workspace_id] = WorkspaceView(
            revision, parts, followed, cursors, {part.name: numbers.get(part.name, 0) for part in self.parts}
        )
        self._tell(workspace_id)

    def _tell(self, workspace_id: str) -> None:
        for listener in self.listeners:
            listener(workspace_id)

    def _compile(self, workspace_id: str, part: SnapshotPart, rows: Any, parts: dict[str, Any]) -> None:
        try:
            parts[part.name] = part.compile(rows)
            self.failed.pop((workspace_id, part.name), None)
        except Exception as problem:
            # Last good value stays in force; /readyz fails until it compiles.
            self.failed[workspace_id, part.name] = str(problem)
            log.exception("snapshot_part_failed", workspace=workspace_id, part=part.name)

    async def _read_logs(
        self, tx: Transaction, old: WorkspaceView | None
    ) -> tuple[dict[str, Any], dict[str, Cursor], dict[str, list[LogEntry]]]:
        followed: dict[str, Any] = {}
        cursors: dict[str, Cursor] = {}
        fresh: dict[str, list[LogEntry]] = {}
        for item in self.logs:
            head = await log_head(tx, item.log)
            cursors[item.log] = head
            before = old.cursors[item.log] if old else None
            behind = head.n - before.n if before and before.incarnation == head.incarnation else -1
            if old is None or not 0 <= behind <= ENTRIES_PER_READ:
                followed[item.log] = await item.load(tx)
                continue
            followed[item.log] = old.followed[item.log]
            if behind:
                fresh[item.log] = await read_log(tx, item.log, after=head.n - behind, limit=behind)
        return followed, cursors, fresh


def _stale() -> StaleWorker:
    return StaleWorker("This server is behind what you have seen; try again.", retry_after_seconds=1)


async def _part_numbers(tx: Transaction) -> dict[str, int]:
    statement = select(part_revisions.c.part, part_revisions.c.n).where(
        part_revisions.c.workspace_id == tx.workspace_id
    )
    return {row.part: row.n for row in await tx.execute(statement)}
