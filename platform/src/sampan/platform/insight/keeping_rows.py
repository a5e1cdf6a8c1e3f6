"""Removing what is older than a workspace keeps it, some rows at a time, each call in one transaction. All the SQL."""

from sqlalchemy import Column, Table, and_, delete, func, or_, select

from sampan.platform.engines.database import Transaction
from sampan.platform.insight.evidence import device_signals
from sampan.platform.insight.health_rows import app_errors, app_hours
from sampan.platform.insight.repository import events, inventory
from sampan.platform.insight.retired_rows import retire

_E, _I, _G = events.c, inventory.c, device_signals.c


async def oldest_day(tx: Transaction) -> int | None:
    """Return the first day (yyyymmdd) of which there are events."""
    statement = select(_E.day).where(_E.workspace_id == tx.workspace_id).order_by(_E.day).limit(1)
    return (await tx.execute(statement)).scalar_one_or_none()


async def forget_events(tx: Transaction, before_day: int, *, limit: int) -> int:
    """Remove at most `limit` events that came before a day (yyyymmdd), the oldest first; return how many."""
    day = await oldest_day(tx)
    if day is None or day >= before_day:
        return 0
    own = (_E.workspace_id == tx.workspace_id, _E.day == day)
    order = (_E.device_id, _E.seq)
    last = (await tx.execute(select(*order).where(*own).order_by(*order).limit(limit))).all()[-1]
    up_to = or_(_E.device_id < last.device_id, and_(_E.device_id == last.device_id, _E.seq <= last.seq))
    return (await tx.execute(delete(events).where(*own, up_to))).rowcount


async def forget_hours(tx: Transaction, before_hour: int, *, limit: int) -> int:
    """Remove the counters of the oldest hours before one."""
    return await _forget_oldest(tx, app_hours, app_hours.c.hour, before_hour, limit)


async def forget_errors(tx: Transaction, before_ms: int, *, limit: int) -> int:
    """Remove the groups of errors of versions that nobody met since a time."""
    return await _forget_oldest(tx, app_errors, app_errors.c.last_ms, before_ms, limit)


async def forgotten_versions(tx: Transaction, before_ms: int) -> list[tuple[str, int]]:
    """Return the versions, by app and sequence, that nobody signalled or held since a time.

    It reads all signals, so never in a write transaction. What devices still hold may be the next release's yardstick,
    however old it is.
    """
    old = (
        select(_G.app, _G.sequence)
        .where(_G.workspace_id == tx.workspace_id)
        .group_by(_G.app, _G.sequence)
        .having(func.max(_G.at_ms) < before_ms)
        .order_by(_G.app, _G.sequence)
    )
    found = [(row.app, row.sequence) for row in await tx.execute(old)]
    return [version for version in found if not await _is_held(tx, *version, before_ms)]


async def _is_held(tx: Transaction, app: str, sequence: int, since_ms: int) -> bool:
    own = (_I.workspace_id == tx.workspace_id, _I.artefact_id == app, _I.sequence == sequence, _I.seen_ms >= since_ms)
    return (await tx.execute(select(_I.device_id).where(*own).limit(1))).first() is not None


async def forget_signals(tx: Transaction, app: str, sequence: int, before_ms: int, *, limit: int) -> int:
    """Remove at most `limit` devices' signals of one of `forgotten_versions`; return how many.

    A version's signals go together and it is marked as retired: with a part of them it would seem healthier than it
    was.
    """
    own = (_G.workspace_id == tx.workspace_id, _G.app == app, _G.sequence == sequence, _G.at_ms < before_ms)
    order = (_G.signal, _G.device_id)
    some = (await tx.execute(select(*order).where(*own).order_by(*order).limit(limit))).all()
    if not some:
        return 0
    await retire(tx, [(app, sequence)])
    last = some[-1]
    up_to = or_(_G.signal < last.signal, and_(_G.signal == last.signal, _G.device_id <= last.device_id))
    return (await tx.execute(delete(device_signals).where(*own, up_to))).rowcount


async def _forget_oldest(tx: Transaction, table: Table, column: Column[int], before: int, limit: int) -> int:
    own = (table.c.workspace_id == tx.workspace_id, column < before)
    oldest = (await tx.execute(select(column.label("at")).where(*own).order_by(column).limit(limit))).all()
    if not oldest:
        return 0
    return (await tx.execute(delete(table).where(*own, column <= oldest[-1].at))).rowcount
