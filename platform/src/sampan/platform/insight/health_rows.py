"""Rows of apps' health: counters by version and hour, and groups of errors. Records, and all the SQL."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Text, func, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.insight.distinct import EMPTY, REGISTERS, with_devices
from sampan.platform.insight.health import HOUR_MS, MAX_GROUPS, OTHER, HealthReport

HOURS = 24  # of a day

app_hours = scoped_table(
    "app_hours",
    Column("app_id", String(128), primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("counter", String(24), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
app_errors = scoped_table(
    "app_errors",
    Column("app_id", String(128), primary_key=True),
    Column("fingerprint", String(16), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(24), nullable=False),
    Column("message", String(300), nullable=False),
    Column("place", String(300), nullable=False),
    Column("stack", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("devices", LargeBinary(REGISTERS), nullable=False),
)
_H, _E = app_hours.c, app_errors.c
Index("ix_app_hours_hour", _H.workspace_id, _H.hour)
Index("ix_app_errors_last", _E.workspace_id, _E.last_ms)


@dataclass(frozen=True, slots=True)
class HourCount:
    """How often something was reported of a version in an hour (since the epoch)."""

    hour: int
    sequence: int
    counter: str
    number: int


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """One error of one version; the stack is that of the first report, `devices` a sketch."""

    fingerprint: str
    sequence: int
    kind: str
    message: str
    place: str
    stack: str
    number: int
    first_ms: int
    last_ms: int
    devices: bytes


async def add_health(tx: Transaction, reports: Sequence[HealthReport]) -> None:
    """Add reports to the counters and the groups."""
    if not reports:
        return
    counts = Counter(
        (each.app_id, each.at_ms // HOUR_MS, each.sequence, each.counter) for each in reports if each.counter
    )
    rows = [
        {
            "workspace_id": tx.workspace_id,
            "app_id": app_id,
            "hour": hour,
            "sequence": sequence,
            "counter": counter,
            "number": number,
        }
        for (app_id, hour, sequence, counter), number in sorted(counts.items())
    ]
    if rows:
        statement = insert_or(tx, app_hours)
        added = {"number": app_hours.c.number + statement.excluded.number}
        keys = ["workspace_id", "app_id", "hour", "sequence", "counter"]
        await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=added), rows)
    for app_id in sorted({each.app_id for each in reports if each.error is not None}):
        await _add_errors(tx, app_id, [each for each in reports if each.app_id == app_id])


async def _add_errors(tx: Transaction, app_id: str, reports: Sequence[HealthReport]) -> None:
    statement = select(_E.fingerprint).where(_E.workspace_id == tx.workspace_id, _E.app_id == app_id).distinct()
    known = {row.fingerprint for row in await tx.execute(statement)}
    rows: dict[tuple[str, int], dict[str, object]] = {}
    devices: dict[tuple[str, int], set[str]] = {}
    for report in reports:
        error = report.error
        if error is None:
            continue
        is_new_place = error.fingerprint in known or len(known) < MAX_GROUPS
        fingerprint = error.fingerprint if is_new_place else OTHER
        known.add(fingerprint)
        row = rows.setdefault(
            (fingerprint, report.sequence),
            {
                "workspace_id": tx.workspace_id,
                "app_id": app_id,
                "fingerprint": fingerprint,
                "sequence": report.sequence,
                "kind": error.kind if is_new_place else OTHER,
                "message": error.message if is_new_place else "",
                "place": error.place if is_new_place else "",
                "stack": error.stack if is_new_place else "",
                "number": 0,
                "first_ms": report.at_ms,
                "last_ms": report.at_ms,
                "devices": EMPTY,
            },
        )
        row["number"] = int(str(row["number"])) + 1
        devices.setdefault((fingerprint, report.sequence), set()).add(report.device_id)
    insertion = insert_or(tx, app_errors)
    added = {"number": _E.number + insertion.excluded.number, "last_ms": insertion.excluded.last_ms}
    keys = ["workspace_id", "app_id", "fingerprint", "sequence"]
    in_order = [rows[key] for key in sorted(rows)]
    await tx.execute(insertion.on_conflict_do_update(index_elements=keys, set_=added), in_order)
    for (fingerprint, sequence), new in sorted(devices.items()):  # the rows are locked since the upsert
        this = (
            _E.workspace_id == tx.workspace_id,
            _E.app_id == app_id,
            _E.fingerprint == fingerprint,
            _E.sequence == sequence,
        )
        before = (await tx.execute(select(_E.devices).where(*this))).scalar_one()
        after = with_devices(before, new)
        if after != before:
            await tx.execute(update(app_errors).where(*this).values(devices=after))


async def read_hours(tx: Transaction, app_id: str, *, from_ms: int, until_ms: int) -> list[HourCount]:
    """Return an app's counters of a half-open time, by hour."""
    statement = (
        select(_H.hour, _H.sequence, _H.counter, _H.number)
        .where(
            _H.workspace_id == tx.workspace_id,
            _H.app_id == app_id,
            _H.hour >= from_ms // HOUR_MS,
            _H.hour < -(-until_ms // HOUR_MS),
        )
        .order_by(_H.hour, _H.sequence, _H.counter)
    )
    return [HourCount(row.hour, row.sequence, row.counter, row.number) for row in await tx.execute(statement)]


async def counters_by_day(tx: Transaction, app_id: str | None, first: int, end: int) -> dict[tuple[int, str], int]:
    """Return the sums of an app's counters, or of all apps', by (day, counter), of a half-open range of days (UTC)."""
    own = [_H.workspace_id == tx.workspace_id, _H.hour >= first * HOURS, _H.hour < end * HOURS]
    if app_id is not None:
        own.append(_H.app_id == app_id)
    day = (_H.hour // HOURS).label("day")
    statement = select(day, _H.counter, func.sum(_H.number).label("number")).where(*own).group_by(day, _H.counter)
    return {(row.day, row.counter): int(row.number) for row in await tx.execute(statement)}


async def read_errors(
    tx: Transaction, app_id: str, paging: Paging, *, sequence: int | None = None, kind: str | None = None
) -> Found[list[ErrorGroup]]:
    """Return a page of an app's groups of errors, the last seen first; each with its versions, highest first."""
    own = [_E.workspace_id == tx.workspace_id, _E.app_id == app_id]
    if sequence is not None:
        own.append(_E.sequence == sequence)
    if kind is not None:
        own.append(_E.kind == kind)
    last = select(_E.fingerprint, func.max(_E.last_ms).label("last_ms")).where(*own).group_by(_E.fingerprint).subquery()
    order = Order("-last_seen", (last.c.last_ms, last.c.fingerprint), descending=True)
    page = await read_page(tx, select(last.c.fingerprint), order, paging, lambda row: str(row.fingerprint))
    columns = (_E.fingerprint, _E.sequence, _E.kind, _E.message, _E.place, _E.stack, _E.number, _E.first_ms, _E.last_ms)
    rows = await tx.execute(
        select(*columns, _E.devices)
        .where(*own, _E.fingerprint.in_(page.items))
        .order_by(_E.fingerprint, _E.sequence.desc())
    )
    groups: dict[str, list[ErrorGroup]] = {}
    for row in rows:
        groups.setdefault(row.fingerprint, []).append(ErrorGroup(*tuple(row)))
    return Found([groups[fingerprint] for fingerprint in page.items], page.next_cursor, page.total)
