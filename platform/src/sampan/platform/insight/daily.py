"""Numbers by day for charts, from what devices reported. Days are UTC; reports of a day may still come later."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

from sampan.platform.engines.database import Transaction
from sampan.platform.insight.activity_rows import EVERY_APP, active_by_day, events_by_day
from sampan.platform.operators.attention import DailySeries

EPOCH = datetime(1970, 1, 1, tzinfo=UTC).date()
OPENS = ("app.opened",)
INSTALLS = ("delivery.installed",)
FAILURES = ("delivery.failed", "trust.refused")


async def devices_seen(tx: Transaction, first: int, end: int) -> Mapping[int, int]:
    """Return how many devices reported anything."""
    return await active_by_day(tx, EVERY_APP, first, end)


def counting(kinds: Collection[str]) -> Callable[[Transaction, int, int], Awaitable[Mapping[int, int]]]:
    """Return the counter of events of these types."""

    async def count(tx: Transaction, first: int, end: int) -> Mapping[int, int]:
        return await events_by_day(tx, kinds, first, end)

    return count


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
