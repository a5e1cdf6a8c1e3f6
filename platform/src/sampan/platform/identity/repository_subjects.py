"""Rows of the subjects, their numbers and the log of their changes."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, and_, insert, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import LogEntry, append, insert_or_ignore, log_entries
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.identity.problems import SubjectsExhausted
from sampan.platform.identity.subjects import (
    HELD_AT_LEAST,
    HELD_MS,
    LOG,
    MAX_SUBJECT,
    DeviceChanged,
    HeldDevice,
    SubjectCreated,
    SubjectEvent,
    SubjectStates,
    to_entry,
)
from sampan.platform.identity.tiers import Tier
from sampan.platform.workspaces.replica import FollowedLog

ROWS_PER_READ = 20_000
subject_numbers = scoped_table("subject_numbers", Column("last", BigInteger, nullable=False))
subjects = scoped_table(
    "subjects",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("owner_id", String(40), nullable=False),
    Column("tier", SmallInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
)
subject_changes = scoped_table(
    "subject_changes",
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
)
device_changes = scoped_table(
    "device_changes",
    Column("device_id", String(40), primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("carries", SmallInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("ix_device_changes_changed", "workspace_id", "changed_ms"),
)


OLDEST_CHANGES = Order("n", (subject_changes.c.n,))
NEWEST_CHANGES = Order("-n", (subject_changes.c.n,), descending=True)


class SubjectRow(Struct, frozen=True):
    """One subject; `tier` may be `ERASED`."""

    number: int
    kind: str
    owner_id: str
    tier: int
    epoch: int


async def create_subject(tx: Transaction, *, kind: str, owner_id: str, tier: Tier, by: str, now_ms: int) -> int:
    """Take the workspace's next number and log the new subject; raise `SubjectsExhausted`."""
    number = await _next_number(tx)
    values = {"number": number, "kind": kind, "owner_id": owner_id, "tier": int(tier), "epoch": 0}
    await tx.execute(insert(subjects).values(workspace_id=tx.workspace_id, **values))
    await log_changes(tx, [SubjectCreated(number, int(tier), owner_id, by)], now_ms=now_ms)
    return number


async def get_subject(tx: Transaction, number: int) -> SubjectRow:
    """Return a subject that exists."""
    columns = (subjects.c.number, subjects.c.kind, subjects.c.owner_id, subjects.c.tier, subjects.c.epoch)
    statement = select(*columns).where(subjects.c.workspace_id == tx.workspace_id, subjects.c.number == number)
    row = (await tx.execute(statement)).one()
    return SubjectRow(row.number, row.kind, row.owner_id, row.tier, row.epoch)


async def set_subject_tier(tx: Transaction, number: int, tier: int) -> None:
    """Change the row; the caller logs the change."""
    await tx.execute(
        update(subjects)
        .where(subjects.c.workspace_id == tx.workspace_id, subjects.c.number == number)
        .values(tier=tier)
    )


async def raise_subject_epoch(tx: Transaction, number: int) -> int:
    """Raise the epoch and return it; the caller logs the change."""
    statement = (
        update(subjects)
        .where(subjects.c.workspace_id == tx.workspace_id, subjects.c.number == number)
        .values(epoch=subjects.c.epoch + 1)
        .returning(subjects.c.epoch)
    )
    return int((await tx.execute(statement)).scalar_one())


async def log_changes(tx: Transaction, events: Sequence[SubjectEvent], *, now_ms: int) -> None:
    """Append events to the log "subjects"; workers follow it as soon as the transaction is durable."""
    numbers = await append(tx, LOG, [to_entry(event) for event in events], now_ms=now_ms)
    rows = [
        {"workspace_id": tx.workspace_id, "subject": subject, "n": n}
        for n, event in zip(numbers, events, strict=True)
        for subject in _concerned(event)
    ]
    await tx.execute(insert(subject_changes), rows)
    for event in events:
        if isinstance(event, DeviceChanged):
            await _note_device(tx, event, now_ms)
    tx.wake()


async def page_changes(tx: Transaction, subject: int, paging: Paging, order: Order) -> Found[LogEntry]:
    """Return a page of the log entries that concern one subject."""
    statement = (
        select(log_entries.c.n, log_entries.c.at_ms, log_entries.c.kind, log_entries.c.body)
        .join(
            subject_changes,
            and_(subject_changes.c.workspace_id == tx.workspace_id, subject_changes.c.n == log_entries.c.n),
        )
        .where(
            log_entries.c.workspace_id == tx.workspace_id,
            log_entries.c.log == LOG,
            subject_changes.c.subject == subject,
        )
    )
    return await read_page(tx, statement, order, paging, lambda row: LogEntry(row.n, row.at_ms, row.kind, row.body))


async def load_states(tx: Transaction) -> SubjectStates:
    """Return the state of all subjects and of the recently changed devices, as of this transaction."""
    states = SubjectStates()
    after = -1
    while True:
        statement = (
            select(subjects.c.number, subjects.c.tier, subjects.c.epoch)
            .where(subjects.c.workspace_id == tx.workspace_id, subjects.c.number > after)
            .order_by(subjects.c.number)
            .limit(ROWS_PER_READ)
        )
        rows = (await tx.execute(statement)).all()
        for row in rows:
            states.set_subject(row.number, row.tier, row.epoch)
        if len(rows) < ROWS_PER_READ:
            break
        after = rows[-1].number
    await _load_devices(tx, states)
    return states


async def _load_devices(tx: Transaction, states: SubjectStates) -> None:
    # Counted back from the newest change, not from a clock: that holds at least what must be held.
    newest_ms = await _changed_ms(tx, place=0)
    if newest_ms is None:
        return
    since_ms = min(newest_ms - HELD_MS, await _changed_ms(tx, place=HELD_AT_LEAST) or 0)
    columns = (
        device_changes.c.device_id,
        device_changes.c.epoch,
        device_changes.c.carries,
        device_changes.c.changed_ms,
    )
    statement = (
        select(*columns)
        .where(device_changes.c.workspace_id == tx.workspace_id, device_changes.c.changed_ms >= since_ms)
        .order_by(device_changes.c.changed_ms)
    )
    for row in await tx.execute(statement):
        states.hold_device(row.device_id, HeldDevice(row.epoch, Tier(row.carries), row.changed_ms))


async def _changed_ms(tx: Transaction, *, place: int) -> int | None:
    """Return when the change at this place, counted from the newest, was made; None when there are fewer."""
    statement = (
        select(device_changes.c.changed_ms)
        .where(device_changes.c.workspace_id == tx.workspace_id)
        .order_by(device_changes.c.changed_ms.desc())
        .limit(1)
        .offset(place)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def _next_number(tx: Transaction) -> int:
    statement = (
        update(subject_numbers)
        .where(subject_numbers.c.workspace_id == tx.workspace_id, subject_numbers.c.last < MAX_SUBJECT)
        .values(last=subject_numbers.c.last + 1)
        .returning(subject_numbers.c.last)
    )
    number = (await tx.execute(statement)).scalar_one_or_none()
    if number is None:
        await tx.execute(insert_or_ignore(tx, subject_numbers).values(workspace_id=tx.workspace_id, last=0))
        number = (await tx.execute(statement)).scalar_one_or_none()
    if number is None:
        raise SubjectsExhausted("The workspace has given out all its subject numbers. Ask the operator.")
    return int(number)


async def _note_device(tx: Transaction, event: DeviceChanged, now_ms: int) -> None:
    row = {"workspace_id": tx.workspace_id, "device_id": event.device}
    values = {"epoch": event.epoch, "carries": event.carries, "changed_ms": now_ms}
    if (await tx.execute(insert_or_ignore(tx, device_changes).values(**row, **values))).rowcount == 0:
        await tx.execute(
            update(device_changes)
            .where(device_changes.c.workspace_id == tx.workspace_id, device_changes.c.device_id == event.device)
            .values(**values)
        )


def _concerned(event: SubjectEvent) -> set[int]:
    return {event.subject, event.before} if isinstance(event, DeviceChanged) else {event.subject}


followed_log = FollowedLog(LOG, load_states)
