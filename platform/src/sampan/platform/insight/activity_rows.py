"""Which devices were active on which day, by app and version, and how many events of each type came. Records, and SQL.

A day is UTC, counted since the epoch, by the time of arrival: an event never changes a day that is over, but those
that were on their way at midnight may. Its devices are first exact rows, written in the transaction that takes their
events; when there are many, and when the day is over, a job (`keeping.py`) moves them into one bitmap for each version,
of the devices' own dense numbers. Both are sets, so counting twice, late or out of order changes nothing, and days,
versions and weeks unite without reading an event. Under the app "" are all devices that reported anything.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct
from pyroaring import BitMap
from sqlalchemy import (
    BigInteger,
    Column,
    CursorResult,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    delete,
    func,
    select,
    update,
)

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or, insert_or_ignore
from sampan.platform.engines.tables import scoped_table
from sampan.platform.identity.repository_devices import devices

DAY_MS = 24 * 3600 * 1000
EVERY_APP = ""
PIECE = 2_000

day_devices = scoped_table(
    "day_devices",
    Column("app_id", String(200), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("device_id", String(40), primary_key=True),
)
app_devices = scoped_table(
    "app_devices",
    Column("app_id", String(200), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("devices", LargeBinary, nullable=False),
)
app_newcomers = scoped_table(
    "app_newcomers",
    Column("app_id", String(200), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("devices", LargeBinary, nullable=False),
)
app_known = scoped_table(
    "app_known",
    Column("app_id", String(200), primary_key=True),
    Column("devices", LargeBinary, nullable=False),
)
event_days = scoped_table(
    "event_days",
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("type", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
_R, _B, _N, _K, _E = day_devices.c, app_devices.c, app_newcomers.c, app_known.c, event_days.c
_D = devices.c
Index("ix_day_devices_day", _R.workspace_id, _R.day)
Index("ix_app_devices_day", _B.workspace_id, _B.day)
Index("ix_app_newcomers_day", _N.workspace_id, _N.day)


class Active(Struct, frozen=True):
    """A device that reported something of a version of an app on a day."""

    app_id: str
    day: int
    sequence: int
    device_id: str


class Place(Struct, frozen=True, order=True):
    """One version of an app on one day."""

    day: int
    app_id: str
    sequence: int


async def note_active(tx: Transaction, found: Iterable[Active]) -> None:
    """Remember that devices were active; who is known already changes nothing."""
    names = Active.__struct_fields__
    keys = sorted({tuple(getattr(each, name) for name in names) for each in found})
    if keys:
        rows = [{"workspace_id": tx.workspace_id, **dict(zip(names, key, strict=True))} for key in keys]
        await tx.execute(insert_or_ignore(tx, day_devices), rows)


async def count_events(tx: Transaction, found: Iterable[tuple[int, str]]) -> None:
    """Count events, each named by its day and its type."""
    counts = Counter(found)
    if not counts:
        return
    rows = [
        {"workspace_id": tx.workspace_id, "day": day, "type": kind, "number": number}
        for (day, kind), number in sorted(counts.items())
    ]
    statement = insert_or(tx, event_days)
    added = {"number": _E.number + statement.excluded.number}
    keys = ["workspace_id", "day", "type"]
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=added), rows)


async def events_by_day(tx: Transaction, kinds: Collection[str], first: int, end: int) -> dict[int, int]:
    """Return how many events of these types came on each day of a half-open range."""
    statement = select(_E.day, _E.number).where(
        _E.workspace_id == tx.workspace_id, _E.day >= first, _E.day < end, _E.type.in_(sorted(kinds))
    )
    found: dict[int, int] = defaultdict(int)
    for row in await tx.execute(statement):
        found[row.day] += row.number
    return found


async def read_active(tx: Transaction, app_id: str, first: int, end: int) -> dict[tuple[int, int], BitMap]:
    """Return the devices of an app by (day, sequence), of the days of a half-open range."""
    statement = select(_B.day, _B.sequence, _B.devices).where(
        _B.workspace_id == tx.workspace_id, _B.app_id == app_id, _B.day >= first, _B.day < end
    )
    stored = await tx.execute(statement)
    rows = await tx.execute(
        select(_R.day, _R.sequence, _D.subject)
        .select_from(day_devices.join(devices, and_(_D.workspace_id == _R.workspace_id, _D.id == _R.device_id)))
        .where(
            _R.workspace_id == tx.workspace_id,
            _D.workspace_id == tx.workspace_id,
            _R.app_id == app_id,
            _R.day >= first,
            _R.day < end,
        )
    )
    return await asyncio.to_thread(_sets, stored, rows)


def _sets(stored: CursorResult[Any], rows: CursorResult[Any]) -> dict[tuple[int, int], BitMap]:
    """Unite bitmaps and rows. Off the event loop: they may be many."""
    found = {(row.day, row.sequence): BitMap.deserialize(row.devices) for row in stored}
    for some in rows.partitions(PIECE):
        for row in some:
            found.setdefault((row.day, row.sequence), BitMap()).add(row.subject)
    return found


async def active_by_day(tx: Transaction, app_id: str, first: int, end: int) -> dict[int, int]:
    """Return how many devices used an app on each day of a half-open range; cheaper than their sets."""
    statement = (
        select(_R.day, func.count(_R.device_id.distinct()).label("number"))
        .where(_R.workspace_id == tx.workspace_id, _R.app_id == app_id, _R.day >= first, _R.day < end)
        .group_by(_R.day)
    )
    open_days = {row.day: row.number for row in await tx.execute(statement)}
    rows = await tx.execute(
        select(_B.day).where(_B.workspace_id == tx.workspace_id, _B.app_id == app_id, _B.day >= first, _B.day < end)
    )
    found: dict[int, BitMap] = {}
    for day in {row.day for row in rows}:
        for here in (await read_active(tx, app_id, day, day + 1)).values():
            found[day] = found.get(day, BitMap()) | here
    return {**open_days, **{day: len(here) for day, here in found.items()}}


async def read_known(tx: Transaction, app_id: str) -> BitMap:
    """Return the devices that used an app and whose rows were moved into bitmaps."""
    statement = select(_K.devices).where(_K.workspace_id == tx.workspace_id, _K.app_id == app_id)
    stored = (await tx.execute(statement)).scalar_one_or_none()
    return BitMap() if stored is None else BitMap.deserialize(stored)


async def read_newcomers(tx: Transaction, app_id: str, first: int, end: int) -> dict[int, BitMap]:
    """Return the devices that used an app for the first time, by day of a half-open range; those in bitmaps."""
    statement = select(_N.day, _N.devices).where(
        _N.workspace_id == tx.workspace_id, _N.app_id == app_id, _N.day >= first, _N.day < end
    )
    return {row.day: BitMap.deserialize(row.devices) for row in await tx.execute(statement)}


async def first_open_place(tx: Transaction, before_day: int) -> Place | None:
    """Return the earliest version and day, before a day, whose devices are still rows."""
    statement = (
        select(_R.day, _R.app_id, _R.sequence)
        .where(_R.workspace_id == tx.workspace_id, _R.day < before_day)
        .order_by(_R.day, _R.app_id, _R.sequence)
        .limit(1)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else Place(row.day, row.app_id, row.sequence)


async def crowded_places(tx: Transaction, day: int, *, least: int) -> list[tuple[Place, int]]:
    """Return the versions of which at least so many devices are still rows on a day, and how many."""
    number = func.count().label("number")
    statement = (
        select(_R.app_id, _R.sequence, number)
        .where(_R.workspace_id == tx.workspace_id, _R.day == day)
        .group_by(_R.app_id, _R.sequence)
        .having(number >= least)
        .order_by(_R.app_id, _R.sequence)
    )
    return [(Place(day, row.app_id, row.sequence), row.number) for row in await tx.execute(statement)]


async def close_some(tx: Transaction, place: Place, *, limit: int) -> int:
    """Move at most `limit` rows of a place into its bitmap, in one transaction with their removal; return how many."""
    own = (
        _R.workspace_id == tx.workspace_id,
        _R.app_id == place.app_id,
        _R.day == place.day,
        _R.sequence == place.sequence,
    )
    ids = [
        row.device_id for row in await tx.execute(select(_R.device_id).where(*own).order_by(_R.device_id).limit(limit))
    ]
    if not ids:
        return 0
    rows = await tx.execute(select(_D.subject).where(_D.workspace_id == tx.workspace_id, _D.id.in_(ids)))
    await _merge(tx, place, BitMap([row.subject for row in rows]))
    await tx.execute(delete(day_devices).where(*own, _R.device_id <= ids[-1]))
    return len(ids)


async def _merge(tx: Transaction, place: Place, subjects: BitMap) -> None:
    """Add devices to the day, to those known, and those unknown before to the day's newcomers."""
    app: dict[str, str | int] = {"app_id": place.app_id}
    day = {**app, "day": place.day}
    await _unite(tx, app_devices, {**day, "sequence": place.sequence}, subjects)
    before = await _unite(tx, app_known, app, subjects)
    if fresh := subjects - before:
        await _unite(tx, app_newcomers, day, fresh)


async def _unite(tx: Transaction, table: Table, names: Mapping[str, str | int], more: BitMap) -> BitMap:
    """Add to the bitmap of a row, which is locked meanwhile, and return what it held before."""
    keys = {"workspace_id": tx.workspace_id, **names}
    await tx.execute(insert_or_ignore(tx, table).values(**keys, devices=BitMap().serialize()))
    this = [table.c.workspace_id == tx.workspace_id, *(table.c[name] == value for name, value in names.items())]
    stored = (await tx.execute(select(table.c.devices).where(*this).with_for_update())).scalar_one()
    before = BitMap.deserialize(stored)
    if more - before:
        united = before | more
        united.run_optimize()
        await tx.execute(update(table).where(*this).values(devices=united.serialize()))
    return before


async def forget_days(tx: Transaction, before_day: int, *, limit: int) -> int:
    """Remove at most `limit` days' bitmaps and counts that are older than a day; return how many rows went."""
    gone = 0
    for table in (app_devices, app_newcomers, event_days):
        column = table.c.day
        own = (table.c.workspace_id == tx.workspace_id, column < before_day)
        oldest = [
            row.day for row in await tx.execute(select(column).where(*own).distinct().order_by(column).limit(limit))
        ]
        if oldest:
            gone += (await tx.execute(delete(table).where(*own, column <= oldest[-1]))).rowcount
    return gone
