"""Rows of apps' health: counters by version and hour, and groups of errors. Records, and all the SQL."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Text, func, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or, insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.insight.distinct import EMPTY, REGISTERS, with_devices
from sampan.platform.insight.health import HOUR_MS, MAX_GROUPS, OTHER, HealthReport

DAY_MS = 24 * HOUR_MS

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
app_devices = scoped_table(
    "app_devices",
    Column("app_id", String(128), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("devices", LargeBinary(REGISTERS), nullable=False),
)
_H, _E, _D = app_hours.c, app_errors.c, app_devices.c


@dataclass(frozen=True, slots=True)
class HourCount:
    """How often something was reported of a version in an hour (since the epoch)."""

    hour: int
    sequence: int
    counter: str
    number: int


@dataclass(frozen=True, slots=True)
class DayDevices:
    """The devices that reported anything of a version on a day (UTC, since the epoch), as a sketch (`distinct.py`)."""

    day: int
    sequence: int
    devices: bytes


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
    counts = Counter((each.app_id, each.at_ms // HOUR_MS, each.sequence, each.counter) for each in reports)
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
    statement = insert_or(tx, app_hours)
    added = {"number": app_hours.c.number + statement.excluded.number}
    keys = ["workspace_id", "app_id", "hour", "sequence", "counter"]
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=added), rows)
    for app_id in sorted({each.app_id for each in reports}):
        own = [each for each in reports if each.app_id == app_id]
        await _add_devices(tx, app_id, own)
        if any(each.error is not None for each in own):
            await _add_errors(tx, app_id, own)


async def _add_devices(tx: Transaction, app_id: str, reports: Sequence[HealthReport]) -> None:
    """Add the devices to the days' sketches; a device that is there already costs a read."""
    found: dict[tuple[int, int], set[str]] = {}
    for each in reports:
        found.setdefault((each.at_ms // DAY_MS, each.sequence), set()).add(each.device_id)
    keys = sorted(found)
    rows = [
        {"workspace_id": tx.workspace_id, "app_id": app_id, "day": day, "sequence": sequence, "devices": EMPTY}
        for day, sequence in keys
    ]
    await tx.execute(insert_or_ignore(tx, app_devices), rows)
    own = (_D.workspace_id == tx.workspace_id, _D.app_id == app_id)
    for day, sequence in keys:
        this = (*own, _D.day == day, _D.sequence == sequence)
        before = (await tx.execute(select(_D.devices).where(*this).with_for_update())).scalar_one()
        after = with_devices(before, found[day, sequence])
        if after != before:
            await tx.execute(update(app_devices).where(*this).values(devices=after))


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


async def read_devices(tx: Transaction, app_id: str, *, from_ms: int, until_ms: int) -> list[DayDevices]:
    """Return the sketches of an app's devices of the days that a half-open time touches."""
    statement = (
        select(_D.day, _D.sequence, _D.devices)
        .where(
            _D.workspace_id == tx.workspace_id,
            _D.app_id == app_id,
            _D.day >= from_ms // DAY_MS,
            _D.day < -(-until_ms // DAY_MS),
        )
        .order_by(_D.day, _D.sequence)
    )
    return [DayDevices(row.day, row.sequence, row.devices) for row in await tx.execute(statement)]


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
