"""The dispatcher of the outbox: brings committed events to their consumers. One per worker process.

Where several workers run, a lease with a fencing token on each cursor keeps the order: only its holder
delivers. It takes a lease for a batch, and stops in time to leave a handler its full time within it.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import orjson
from msgspec import Struct
from sqlalchemy import select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.doors import Door, OpenWorkspace, backoff_ms, wait_for_wake
from sampan.platform.engines.job_runner import describe
from sampan.platform.engines.log import Cursor, LogEntry, head, insert_or_ignore, log_heads, read
from sampan.platform.engines.outbox import OUTBOX, Consumer, Event, outbox_cursors
from sampan.platform.engines.unbroken import unbroken
from sampan.platform.logs import Log
from sampan.platform.metrics import OUTBOX_FAILURES, OUTBOX_LAG

POLL_SECONDS = 1.0
BATCH_EVENTS = 100
HANDLER_SECONDS = 10.0
LEASE_MS = 15_000  # also how long a consumer rests after its worker was killed
FIRST_RETRY_MS = 1_000
LAST_RETRY_MS = 300_000

UNSEEN = Cursor(0, 0)

log = Log("outbox")


@dataclass(slots=True)
class _Place:
    """What this process knows of a cursor: never ahead of the row, so it only ever saves look-ups."""

    cursor: Cursor = UNSEEN
    not_before_ms: int = 0


class _Claim(Struct, frozen=True):
    """A leased cursor and the events that follow it."""

    cursor: Cursor
    fence: int
    attempts: int
    until_ms: int
    entries: list[LogEntry]


class Dispatcher:
    """Delivers events to consumers. `heads` is a door that may read the table `log_heads` of all workspaces."""

    def __init__(
        self,
        workspace: OpenWorkspace,
        heads: Door,
        consumers: Iterable[Consumer],
        *,
        now_ms: Callable[[], int],
        handler_seconds: float = HANDLER_SECONDS,
    ) -> None:
        self._workspace = workspace
        self._heads = heads
        self._consumers = tuple(consumers)
        self._now_ms = now_ms
        self._handler_seconds = handler_seconds
        self._places: dict[tuple[str, str], _Place] = {}
        self._wakes = {consumer.name: asyncio.Event() for consumer in self._consumers}
        if len(self._wakes) != len(self._consumers):
            raise ValueError("two consumers of one name would share a cursor")

    def wake(self) -> None:
        """Look for events at once instead of at the next second."""
        for event in self._wakes.values():
            event.set()

    async def run(self) -> None:
        """Deliver until cancelled; each consumer at its own pace."""
        await asyncio.gather(*(self._serve(consumer) for consumer in self._consumers))

    async def poll(self) -> int:
        """Deliver everything that is due now to every consumer; return how many events were handled."""
        return sum([await self._poll(consumer) for consumer in self._consumers])

    async def _serve(self, consumer: Consumer) -> None:
        wake = self._wakes[consumer.name]
        while True:
            wake.clear()
            try:
                await self._poll(consumer)
            except Exception:
                # The database may be away for a while; the next second tries again.
                log.exception("outbox_poll_failed", consumer=consumer.name)
            await wait_for_wake(wake, POLL_SECONDS)

    async def _poll(self, consumer: Consumer) -> int:
        handled = 0
        heads = await self._read_heads()
        behind = [name for name, newest in heads.items() if self._is_behind(name, consumer, newest)]
        while behind:  # one batch for each workspace in turn, so that a long log does not hold up the others
            batches = [(name, await self._deliver_batch(name, consumer)) for name in behind]
            handled += sum(count for _, count in batches)
            behind = [name for name, count in batches if count and self._is_behind(name, consumer, heads[name])]
        lag = sum(max(0, newest.n - self._place(name, consumer).cursor.n) for name, newest in heads.items())
        OUTBOX_LAG.labels(consumer.name).set(lag)
        return handled

    async def _read_heads(self) -> dict[str, Cursor]:
        statement = select(log_heads.c.workspace_id, log_heads.c.incarnation, log_heads.c.head).where(
            log_heads.c.log == OUTBOX
        )
        async with self._heads.read() as tx:
            return {row.workspace_id: Cursor(row.incarnation, row.head) for row in await tx.execute(statement)}

    def _place(self, workspace_id: str, consumer: Consumer) -> _Place:
        return self._places.setdefault((workspace_id, consumer.name), _Place())

    def _is_behind(self, workspace_id: str, consumer: Consumer, newest: Cursor) -> bool:
        place = self._place(workspace_id, consumer)
        return place.cursor != newest and place.not_before_ms <= self._now_ms()

    async def _deliver_batch(self, workspace_id: str, consumer: Consumer) -> int:
        """Deliver the next events of one workspace; return how many were handled before a failure or the end."""
        claim = await self._claim(workspace_id, consumer)
        if claim is None:
            return 0
        handled, problem = 0, None
        try:
            for entry in claim.entries:
                if self._now_ms() + self._handler_seconds * 1000 > claim.until_ms:
                    break
                problem = await self._hand_over(workspace_id, consumer, entry)
                if problem is not None:
                    break
                handled += 1
        finally:
            # Also when cancelled: what was handled need not come again, and another worker may go on.
            await unbroken(self._settle(workspace_id, consumer, claim, handled, problem))
        return handled

    async def _hand_over(self, workspace_id: str, consumer: Consumer, entry: LogEntry) -> str | None:
        """Call the handler when it wants the event; return what people read when it failed."""
        if entry.kind not in consumer.event_types:
            return None
        event = Event(workspace_id, entry.n, entry.at_ms, entry.kind, orjson.loads(entry.body))
        try:
            async with asyncio.timeout(self._handler_seconds):
                await consumer.handle(event)
        except Exception as problem:  # whatever a handler raises, the event waits and is tried again
            OUTBOX_FAILURES.labels(consumer.name).inc()
            log.exception("outbox_handler_failed", consumer=consumer.name, workspace=workspace_id, n=entry.n)
            return describe(problem)
        return None

    async def _claim(self, workspace_id: str, consumer: Consumer) -> _Claim | None:
        """Lease the cursor and read what follows it; None when another holds it, or it waits to try again."""
        now_ms = self._now_ms()
        until_ms = now_ms + LEASE_MS
        async with self._workspace(workspace_id).write() as tx:
            await self._create(tx, workspace_id, consumer)
            statement = (
                update(outbox_cursors)
                .where(
                    outbox_cursors.c.workspace_id == workspace_id,
                    outbox_cursors.c.consumer == consumer.name,
                    outbox_cursors.c.lease_until_ms <= now_ms,
                    outbox_cursors.c.retry_at_ms <= now_ms,
                )
                .values(fence=outbox_cursors.c.fence + 1, lease_until_ms=until_ms)
                .returning(
                    outbox_cursors.c.incarnation,
                    outbox_cursors.c.n,
                    outbox_cursors.c.fence,
                    outbox_cursors.c.attempts,
                )
            )
            row = (await tx.execute(statement)).one_or_none()
            if row is None:
                self._place(workspace_id, consumer).not_before_ms = now_ms + int(POLL_SECONDS * 1000)
                return None
            newest = await head(tx, OUTBOX)
            # After a restore a cursor may stand above the log: resynchronise, never wait (data.md).
            cursor = Cursor(newest.incarnation, min(row.n, newest.n))
            if cursor.n != row.n:
                log.warning("outbox_cursor_above_log", consumer=consumer.name, workspace=workspace_id, n=row.n)
            entries = await read(tx, OUTBOX, after=cursor.n, limit=BATCH_EVENTS)
        return _Claim(cursor, row.fence, row.attempts, until_ms, entries)

    async def _create(self, tx: Transaction, workspace_id: str, consumer: Consumer) -> None:
        if self._place(workspace_id, consumer).cursor != UNSEEN:
            return
        first = {
            "workspace_id": workspace_id,
            "consumer": consumer.name,
            "incarnation": 0,
            "n": 0,
            "fence": 0,
            "lease_until_ms": 0,
            "attempts": 0,
            "retry_at_ms": 0,
            "last_error": "",
        }
        await tx.execute(insert_or_ignore(tx, outbox_cursors).values(first))

    async def _settle(
        self, workspace_id: str, consumer: Consumer, claim: _Claim, handled: int, problem: str | None
    ) -> None:
        """Move the cursor behind what was handled and give the lease back, unless another has it by now."""
        n = claim.entries[handled - 1].n if handled else claim.cursor.n
        attempts = 0 if handled else claim.attempts
        retry_at_ms = 0
        if problem is not None:
            attempts += 1
            retry_at_ms = self._now_ms() + backoff_ms(attempts, first_ms=FIRST_RETRY_MS, most_ms=LAST_RETRY_MS)
        statement = (
            update(outbox_cursors)
            .where(
                outbox_cursors.c.workspace_id == workspace_id,
                outbox_cursors.c.consumer == consumer.name,
                outbox_cursors.c.fence == claim.fence,
            )
            .values(
                incarnation=claim.cursor.incarnation,
                n=n,
                lease_until_ms=0,
                attempts=attempts,
                retry_at_ms=retry_at_ms,
                last_error=problem or "",
            )
            .returning(outbox_cursors.c.n)
        )
        async with self._workspace(workspace_id).write() as tx:
            row = (await tx.execute(statement)).one_or_none()
        if row is not None:
            place = self._place(workspace_id, consumer)
            place.cursor, place.not_before_ms = Cursor(claim.cursor.incarnation, n), retry_at_ms
