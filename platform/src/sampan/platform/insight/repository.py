"""Rows of events, of what was taken from each device, and of the inventory."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    CursorResult,
    Index,
    Integer,
    String,
    Text,
    case,
    delete,
    func,
    insert,
    or_,
    select,
)

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or
from sampan.platform.engines.tables import scoped_table
from sampan.platform.insight.marks import Mark

events = scoped_table(
    "events",
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("device_id", String(40), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("type", String(64), nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("session", String(64), nullable=False),
    Column("client_app", String(64), nullable=False),
    Column("app", String(200)),
    Column("sequence", BigInteger),
    Column("release_id", String(40)),
    Column("message_id", String(40)),
    Column("campaign_id", String(40)),
    Column("attrs", Text, nullable=False),
)
event_marks = scoped_table(
    "event_marks",
    Column("device_id", String(40), primary_key=True),
    Column("high", BigInteger, nullable=False),
    Column("gaps", Text, nullable=False),
)
inventory = scoped_table(
    "inventory",
    Column("device_id", String(40), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("artefact_id", String(200), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
)
Index("ix_inventory_artefact", inventory.c.workspace_id, inventory.c.artefact_id, inventory.c.sequence)


class HeldPackage(Struct, frozen=True):
    """How many devices hold a version of an artefact as one package."""

    sequence: int
    digest: str
    devices: int


class Held(Struct, frozen=True):
    """How many devices hold a version of an artefact."""

    kind: str
    artefact_id: str
    sequence: int
    devices: int


async def read_marks(tx: Transaction, device_ids: Collection[str]) -> dict[str, Mark]:
    """Return the marks of those devices that have one."""
    statement = select(event_marks.c.device_id, event_marks.c.high, event_marks.c.gaps).where(
        event_marks.c.workspace_id == tx.workspace_id, event_marks.c.device_id.in_(sorted(device_ids))
    )
    rows = await tx.execute(statement)
    return {row.device_id: Mark(row.high, tuple((a, b) for a, b in json.loads(row.gaps))) for row in rows}


async def write_marks(tx: Transaction, marks: dict[str, Mark]) -> None:
    """Store the marks of devices."""
    rows = [
        {
            "workspace_id": tx.workspace_id,
            "device_id": device_id,
            "high": mark.high,
            "gaps": json.dumps(mark.gaps, separators=(",", ":")),
        }
        for device_id, mark in marks.items()
    ]
    statement = insert_or(tx, event_marks)
    update = {"high": statement.excluded.high, "gaps": statement.excluded.gaps}
    keys = ["workspace_id", "device_id"]
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=update), rows)


async def add_events(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Insert events; their numbers were not taken before."""
    if rows:
        await tx.execute(insert(events), [{"workspace_id": tx.workspace_id, **row} for row in rows])


async def note_inventory(tx: Transaction, device_ids: Collection[str], rows: Sequence[dict[str, Any]]) -> None:
    """Store what these devices hold, one row per device and artefact, in place of what they held before."""
    table = inventory
    await tx.execute(
        delete(table).where(table.c.workspace_id == tx.workspace_id, table.c.device_id.in_(sorted(device_ids)))
    )
    if not rows:
        return
    statement = insert_or(tx, inventory)
    update = {name: statement.excluded[name] for name in ("sequence", "digest", "seen_ms")}
    keys = ["workspace_id", "device_id", "kind", "artefact_id"]
    statement = statement.on_conflict_do_update(index_elements=keys, set_=update)
    await tx.execute(statement, [{"workspace_id": tx.workspace_id, **row} for row in rows])


async def held_versions(tx: Transaction, artefact_id: str) -> list[Held]:
    """Return how many devices hold each version of an artefact, the highest first."""
    table = inventory
    statement = (
        select(table.c.kind, table.c.artefact_id, table.c.sequence, func.count().label("devices"))
        .where(table.c.workspace_id == tx.workspace_id, table.c.artefact_id == artefact_id)
        .group_by(table.c.kind, table.c.artefact_id, table.c.sequence)
        .order_by(table.c.sequence.desc())
    )
    return [Held(row.kind, row.artefact_id, row.sequence, row.devices) for row in await tx.execute(statement)]


async def held_packages(tx: Transaction, kind: str, artefact_id: str, digests: Mapping[int, str]) -> list[HeldPackage]:
    """Return how many devices hold these sequences of an artefact, by package; any that is not of `digests` is empty.

    Devices can make up sequences and digests without end: what is returned has a bound nevertheless.
    """
    table = inventory.c
    package = case((table.digest.in_(sorted({*digests.values()})), table.digest), else_="").label("package")
    statement = (
        select(table.sequence, package, func.count().label("devices"))
        .where(
            table.workspace_id == tx.workspace_id,
            table.artefact_id == artefact_id,
            table.kind == kind,
            table.sequence.in_(sorted(digests)),
        )
        .group_by(table.sequence, package)
    )
    return [HeldPackage(row.sequence, row.package, row.devices) for row in await tx.execute(statement)]


async def events_of_day(
    tx: Transaction, types: Collection[str], day: int, *, after: tuple[str, int], limit: int
) -> CursorResult[Any]:
    """Return the next `limit` events of these types on a day (yyyymmdd), by device and number from a place on.

    A row has `device_id`, `seq`, `at_ms`, `type`, `app` and `sequence`.
    """
    table, (device_id, seq) = events.c, after
    statement = (
        select(table.device_id, table.seq, table.at_ms, table.type, table.app, table.sequence)
        .where(
            table.workspace_id == tx.workspace_id,
            table.day == day,
            table.device_id >= device_id,  # by itself, so that the search begins there
            or_(table.device_id > device_id, table.seq > seq),
            table.type.in_(sorted(types)),
        )
        .order_by(table.device_id, table.seq)
        .limit(limit)
    )
    return await tx.execute(statement)
