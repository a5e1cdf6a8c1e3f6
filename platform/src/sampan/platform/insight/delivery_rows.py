"""How far each device has come with each release: one row for each, and the counters over them. Records, and the SQL.

A row is the least upper bound of everything that its device reported, in whatever order and however often: the furthest
stage on the way, and whether it ever failed. So counters over rows add up, and no order of reports changes them.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, and_, case, func, or_, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or
from sampan.platform.engines.tables import scoped_table
from sampan.platform.identity.repository_devices import devices
from sampan.platform.insight.schemas import STAGE_ORDER, WAY, Stage

WAY_ORDER = {stage: number for number, stage in enumerate(WAY)}
BY_NUMBER = {number: stage for stage, number in STAGE_ORDER.items()}
INSTALLED, BOOTED = WAY_ORDER[Stage.INSTALLED], WAY_ORDER[Stage.BOOTED]

device_stages = scoped_table(
    "device_stages",
    Column("release_id", String(40), primary_key=True),
    Column("device_id", String(40), primary_key=True),
    Column("app", String(200), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("failed", Boolean, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("booted_ms", BigInteger),
    Column("at_ms", BigInteger, nullable=False),
)
_S = device_stages.c
Index("ix_device_stages_app", _S.workspace_id, _S.app, _S.first_ms)


class Reached(Struct, frozen=True):
    """How many devices have a stage of the way as their furthest, and failed there or not.

    A device that booted has not failed, whatever it reported before or after.
    """

    sequence: int
    stage: Stage
    failed: bool
    devices: int


class Visible(Struct, frozen=True):
    """When a device first told of a release, and when it booted the release's version first; None: not yet.

    `known_ms` is when the device was registered; None where that is no longer known.
    """

    first_ms: int
    booted_ms: int | None
    known_ms: int | None = None


async def raise_stages(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Move devices to the furthest stage reported; never back. `stage` is a number of `STAGE_ORDER`."""
    if not rows:
        return
    statement = insert_or(tx, device_stages)
    new = statement.excluded
    update = {
        "stage": case((new.stage > _S.stage, new.stage), else_=_S.stage),
        "failed": or_(_S.failed, new.failed),
        "booted_ms": func.coalesce(_S.booted_ms, new.booted_ms),
        "at_ms": new.at_ms,
    }
    statement = statement.on_conflict_do_update(
        index_elements=["workspace_id", "release_id", "device_id"],
        set_=update,
        where=or_(new.stage > _S.stage, and_(new.failed, ~_S.failed)),
    )
    # In one order, so that two workers that lock the same rows wait for each other and do not stop each other.
    in_order = sorted(rows, key=lambda row: (row["release_id"], row["device_id"]))
    await tx.execute(statement, [_row(tx.workspace_id, row) for row in in_order])


def _row(workspace_id: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of one report. Who failed was at least offered what failed."""
    failed = row["stage"] == STAGE_ORDER[Stage.FAILED]
    stage = 0 if failed else WAY_ORDER[BY_NUMBER[row["stage"]]]
    booted_ms = row["at_ms"] if stage == BOOTED else None
    return {
        **row,
        "workspace_id": workspace_id,
        "stage": stage,
        "failed": failed,
        "first_ms": row["at_ms"],
        "booted_ms": booted_ms,
    }


async def reached_by_release(tx: Transaction, release_id: str) -> list[Reached]:
    """Return how far the devices of a release have come."""
    has_failed = and_(_S.failed, _S.stage < BOOTED)
    statement = (
        select(_S.sequence, _S.stage, has_failed.label("failed"), func.count().label("devices"))
        .where(_S.workspace_id == tx.workspace_id, _S.release_id == release_id)
        .group_by(_S.sequence, _S.stage, has_failed)
        .order_by(_S.sequence, _S.stage)
    )
    return [_reached(row) for row in await tx.execute(statement)]


async def reached_by_version(tx: Transaction, app: str | None, *, from_ms: int) -> list[Reached]:
    """Return how far the devices have come that were first offered a version since a time, whatever its releases.

    A device that several releases offered one version counts once, at its furthest. `app` None: of all apps together.
    """
    own = [_S.workspace_id == tx.workspace_id, _S.first_ms >= from_ms]
    if app is not None:
        own.append(_S.app == app)
    each = (
        select(
            _S.sequence,
            func.max(_S.stage).label("stage"),
            func.max(case((_S.failed, 1), else_=0)).label("failed"),
        )
        .where(*own)
        .group_by(_S.app, _S.sequence, _S.device_id)
        .subquery()
    )
    has_failed = and_(each.c.failed == 1, each.c.stage < BOOTED)
    statement = (
        select(each.c.sequence, each.c.stage, has_failed.label("failed"), func.count().label("devices"))
        .group_by(each.c.sequence, each.c.stage, has_failed)
        .order_by(each.c.sequence.desc(), each.c.stage)
    )
    return [_reached(row) for row in await tx.execute(statement)]


async def first_seen(tx: Transaction, release_id: str, *, limit: int) -> list[Visible]:
    """Return when devices first told of a release, the earliest first."""
    statement = (
        select(_S.first_ms, _S.booted_ms, devices.c.created_ms)
        .outerjoin(devices, and_(devices.c.workspace_id == tx.workspace_id, devices.c.id == _S.device_id))
        .where(_S.workspace_id == tx.workspace_id, _S.release_id == release_id)
        .order_by(_S.first_ms, _S.device_id)
        .limit(limit)
    )
    return [Visible(row.first_ms, row.booted_ms, row.created_ms) for row in await tx.execute(statement)]


async def releases_since(tx: Transaction, app: str | None, *, from_ms: int, limit: int) -> list[str]:
    """Return the releases that some device first told of since a time."""
    own = [_S.workspace_id == tx.workspace_id, _S.first_ms >= from_ms]
    if app is not None:
        own.append(_S.app == app)
    statement = select(_S.release_id).where(*own).distinct().order_by(_S.release_id.desc()).limit(limit)
    return [row.release_id for row in await tx.execute(statement)]


def _reached(row: Any) -> Reached:
    return Reached(row.sequence, WAY[row.stage], bool(row.failed), row.devices)
