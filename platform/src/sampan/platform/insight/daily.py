"""Numbers by day for charts, from what devices reported. Days are UTC; reports of a day may still come later."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, func, select

from sampan.platform.engines.database import Transaction
from sampan.platform.insight.repository import events
from sampan.platform.operators.attention import DailySeries

EPOCH = datetime(1970, 1, 1, tzinfo=UTC).date()
OPENS = ("app.opened",)
INSTALLS = ("delivery.installed",)
FAILURES = ("delivery.failed", "trust.refused")


async def devices_seen(tx: Transaction, first: int, end: int) -> Mapping[int, int]:
    """Return how many devices reported anything."""
    statement = select(events.c.day, func.count(events.c.device_id.distinct()).label("number"))
    return await _by_day(tx, statement, first, end)


def counting(kinds: Collection[str]) -> Callable[[Transaction, int, int], Awaitable[Mapping[int, int]]]:
    """Return the counter of events of these types."""

    async def count(tx: Transaction, first: int, end: int) -> Mapping[int, int]:
        statement = select(events.c.day, func.count().label("number")).where(events.c.type.in_(sorted(kinds)))
        return await _by_day(tx, statement, first, end)

    return count


async def _by_day(tx: Transaction, statement: Select[tuple[int, int]], first: int, end: int) -> dict[int, int]:
    numbers = {yyyymmdd(day): day for day in range(first, end)}
    rows = await tx.execute(
        statement.where(events.c.workspace_id == tx.workspace_id, events.c.day.in_(sorted(numbers))).group_by(
            events.c.day
        )
    )
    return {numbers[row.day]: row.number for row in rows}


def yyyymmdd(day: int) -> int:
    """Return a day since the epoch as the events' partitions are named."""
    date = EPOCH + timedelta(days=day)
    return date.year * 10000 + date.month * 100 + date.day


SERIES = (
    DailySeries("devices_seen", "活跃设备", "Devices seen", devices_seen),
    DailySeries("opens", "打开次数", "Opens", counting(OPENS)),
    DailySeries("installs", "安装次数", "Installs", counting(INSTALLS)),
    DailySeries("failures", "失败次数", "Failures", counting(FAILURES)),
)
