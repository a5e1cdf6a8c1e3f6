"""The group-commit writer of what devices report: many requests share one transaction and one COMMIT.

A request is answered after its COMMIT. The queue is bounded: when the database cannot keep up, devices are told
to come back (they keep their events), and nothing that was acknowledged is ever lost.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy.exc import DataError, IntegrityError

from sampan.platform.core import Core
from sampan.platform.errors import Unavailable
from sampan.platform.insight.activity_rows import DAY_MS, EVERY_APP, Active, count_events, note_active
from sampan.platform.insight.delivery_rows import raise_stages
from sampan.platform.insight.evidence import note_signals
from sampan.platform.insight.health import HealthReport
from sampan.platform.insight.health_rows import add_health
from sampan.platform.insight.marks import Mark, take
from sampan.platform.insight.repository import add_events, note_inventory, read_marks, write_marks
from sampan.platform.logs import Log
from sampan.platform.workspaces.store import Store

MAX_QUEUED_EVENTS = 100_000
MAX_QUEUED_NOTES = 20_000
GATHER_SECONDS = 0.01
MAX_PER_COMMIT = 500
MAX_EVENTS_PER_COMMIT = 5000  # a long transaction holds every other writer up
REFUSED = (DataError, IntegrityError, OverflowError)  # what a database raises for a value that it does not hold
log = Log("insight")


class EventsBusy(Unavailable):
    """More events are waiting than can be written; the device keeps them and tries again."""

    code = "events_busy"


@dataclass(frozen=True, slots=True)
class Batch:
    """Checked events of one device: rows by their number, and the delivery stages that they prove."""

    workspace_id: str
    device_id: str
    rows: Mapping[int, dict[str, Any]]
    stages: Mapping[int, dict[str, Any]]
    health: Mapping[int, Sequence[HealthReport]] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        """What the batch takes of the queue."""
        return len(self.rows) or 1


Waiting = tuple[Batch, asyncio.Future[Mark]]


@dataclass(frozen=True, slots=True)
class InventoryNote:
    """All that a device said that it holds; `on_lost` is called when it could not be stored."""

    workspace_id: str
    device_id: str
    rows: Sequence[dict[str, Any]]
    on_lost: Callable[[], None]


@dataclass(slots=True)
class Intake:
    """Queues batches and inventory notes and writes them; one per process."""

    store: Store
    _batches: list[Waiting] = field(default_factory=list)
    _queued_events: int = 0
    _notes: dict[tuple[str, str], InventoryNote] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, batch: Batch) -> Mark:
        """Return the device's mark once the batch is durable; raise `EventsBusy` when the queue is full."""
        if self._queued_events + batch.weight > MAX_QUEUED_EVENTS:
            raise EventsBusy("The server is busy with other events; send these again later.", retry_after_seconds=30)
        future: asyncio.Future[Mark] = asyncio.get_running_loop().create_future()
        self._batches.append((batch, future))
        self._queued_events += batch.weight
        self._wake.set()
        return await future

    def note(self, note: InventoryNote) -> None:
        """Remember what a device holds; written soon, the newest note of a device wins, none when the queue is full.

        A lost note is no loss: the device says the same at its next sync.
        """
        if len(self._notes) >= MAX_QUEUED_NOTES:
            note.on_lost()
            return
        self._notes[note.workspace_id, note.device_id] = note
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled, then write what is left."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await asyncio.sleep(GATHER_SECONDS)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write everything that is queued now."""
        while self._batches or self._notes:
            taken = self._next_batches()
            notes = self._next_notes()
            names = {batch.workspace_id for batch, _future in taken} | {note.workspace_id for note in notes}
            for workspace_id in sorted(names):
                await self._write(
                    workspace_id,
                    [pair for pair in taken if pair[0].workspace_id == workspace_id],
                    [note for note in notes if note.workspace_id == workspace_id],
                )

    def _next_batches(self) -> list[Waiting]:
        """Take what one transaction writes: at least one batch, if any waits."""
        count = weight = 0
        for batch, _future in self._batches[:MAX_PER_COMMIT]:
            if count and weight + batch.weight > MAX_EVENTS_PER_COMMIT:
                break
            count, weight = count + 1, weight + batch.weight
        taken, self._batches = self._batches[:count], self._batches[count:]
        self._queued_events -= weight
        return taken

    def _next_notes(self) -> list[InventoryNote]:
        """Take what one transaction writes: at least one note, if any waits."""
        taken: list[InventoryNote] = []
        rows = 0
        for key in list(self._notes)[:MAX_PER_COMMIT]:
            rows += len(self._notes[key].rows)
            if taken and rows > MAX_EVENTS_PER_COMMIT:
                break
            taken.append(self._notes.pop(key))
        return taken

    async def _write(self, workspace_id: str, batches: list[Waiting], notes: list[InventoryNote]) -> None:
        """Write these, all in one transaction; where the database refuses a row, its device alone is told so."""
        try:
            async with self.store.workspace(workspace_id).write() as tx:
                marks = await read_marks(tx, {batch.device_id for batch, _future in batches}) if batches else {}
                before = dict(marks)
                rows, stages, health = _take_all(batches, marks)
                await add_events(tx, rows)
                await count_events(tx, [(row["received_ms"] // DAY_MS, row["type"]) for row in rows])
                await raise_stages(tx, stages)
                await add_health(tx, health)
                await note_active(tx, _active(rows, health))
                await note_signals(tx, health)
                if marks != before:
                    await write_marks(tx, {key: mark for key, mark in marks.items() if mark != before.get(key)})
                if notes:
                    held = [row for note in notes for row in note.rows]
                    await note_inventory(tx, {note.device_id for note in notes}, held)
        except REFUSED as problem:
            if len(batches) + len(notes) > 1:
                for part in _halves(batches, notes):
                    await self._write(workspace_id, *part)
                return
            self._not_written(workspace_id, batches, notes, problem)
            return
        except Exception as problem:  # all who wait are told to send again
            self._not_written(workspace_id, batches, notes, problem)
            return
        for batch, future in batches:
            if not future.done():
                future.set_result(marks[batch.device_id])

    def _not_written(
        self,
        workspace_id: str,
        batches: Sequence[Waiting],
        notes: Sequence[InventoryNote],
        problem: Exception,
    ) -> None:
        log.exception("events_not_written", workspace=workspace_id, batches=len(batches))
        for _batch, future in batches:
            with contextlib.suppress(asyncio.InvalidStateError):
                future.set_exception(_busy(problem))
        for note in notes:
            note.on_lost()


def _halves(batches: list[Waiting], notes: list[InventoryNote]) -> Sequence[tuple[list[Waiting], list[InventoryNote]]]:
    if batches and notes:
        return (batches, []), ([], notes)
    middle, other = -(-len(batches) // 2), -(-len(notes) // 2)
    return (batches[:middle], notes[:other]), (batches[middle:], notes[other:])


def intake_of(core: Core) -> Intake:
    """Return the process's writer."""
    return core.shared(Intake, lambda core: Intake(core.store))


def _take_all(
    batches: Sequence[Waiting], marks: dict[str, Mark]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[HealthReport]]:
    health: list[HealthReport] = []
    rows: list[dict[str, Any]] = []
    stages: list[dict[str, Any]] = []
    for batch, _future in batches:
        fresh, marks[batch.device_id] = take(marks.get(batch.device_id, Mark()), batch.rows)
        rows.extend(batch.rows[number] for number in fresh if batch.rows[number])
        stages.extend(batch.stages[number] for number in fresh if number in batch.stages)
        health.extend(each for number in fresh for each in batch.health.get(number, ()))
    return rows, stages, health


def _active(rows: Sequence[dict[str, Any]], health: Sequence[HealthReport]) -> Iterator[Active]:
    """Return who was active where: on the day at all, and in the versions that something was reported of."""
    for row in rows:
        yield Active(EVERY_APP, row["received_ms"] // DAY_MS, 0, row["device_id"])
    for each in health:
        yield Active(each.app_id, each.at_ms // DAY_MS, each.sequence, each.device_id)


def _busy(problem: Exception) -> EventsBusy:
    error = EventsBusy("The events could not be stored now; send them again later.", retry_after_seconds=30)
    error.__cause__ = problem
    return error


def event_day(at_ms: int) -> int:
    """Return the UTC day of a moment as yyyymmdd, the partition an event goes to."""
    moment = time.gmtime(at_ms / 1000)
    return moment.tm_year * 10000 + moment.tm_mon * 100 + moment.tm_mday


def encode_attrs(attrs: Mapping[str, Any]) -> str:
    """Return the stored form of an event's attributes."""
    return orjson.dumps(attrs, option=orjson.OPT_SORT_KEYS).decode()
