"""How apps are used, in numbers of some days: read from roll-ups, never from events; counted at most once a minute,
and once for all who ask at the same moment.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct
from pyroaring import BitMap

from sampan.platform.insight.activity import Kept, by_day, distinct, kept
from sampan.platform.insight.activity_rows import EVERY_APP, read_active, read_known, read_newcomers
from sampan.platform.insight.console_delivery_api import latency_since
from sampan.platform.insight.delivery_rows import reached_by_version
from sampan.platform.insight.flights import Flights
from sampan.platform.insight.funnel import Latency, steps_of, success_rate
from sampan.platform.insight.health import BOOT_MS, HIT, MISS, Metric, percentile
from sampan.platform.insight.health_rows import counters_by_day

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.engines.database import Transaction

DAY_MS = 24 * 3600 * 1000
LATER = (1, 7, 30)
LONGEST = 60
"""Days of active devices that the summary looks at: who was new 58 days ago may have come back 30 days later."""
FRESH_MS = 60_000


class Share(Struct, frozen=True):
    """So many of so many; the rate is None of none."""

    of: int
    number: int

    @property
    def rate(self) -> float | None:
        """The share, from 0 to 1."""
        return self.number / self.of if self.of else None


class Start(Struct, frozen=True):
    """How long apps took to start, in milliseconds, exact to the class (`health.BOOT_MS`)."""

    boots: int
    p50_ms: int | None
    p90_ms: int | None
    p95_ms: int | None


class Day(Struct, frozen=True):
    """One day (UTC, since the epoch): devices that were active, those of them that were new, openings and starts."""

    day: int
    active: int
    newcomers: int
    opens: int
    start: Start


class Summary(Struct, frozen=True):
    """The numbers of the last days, today included as far as it has come."""

    days: tuple[Day, ...]
    active_day: int
    active_week: int
    active_month: int
    retention: tuple[Kept, ...]
    success: Share
    hits: Share
    start: Start
    latency: Latency


class _Fresh:
    """Summaries that were made a moment ago: many look at the page."""

    def __init__(self, _core: "Core") -> None:
        self.known: dict[tuple[str, str | None, int], tuple[int, Summary]] = {}
        self.flights = Flights()


async def summary(core: "Core", workspace_id: str, app: str | None, days: int) -> Summary:
    """Return the numbers of an app, or of all apps, over the last `days` days; at most a minute old."""
    fresh, now_ms = core.shared(_Fresh, _Fresh), core.now_ms()
    known, key = fresh.known, (workspace_id, app, days)
    made_ms, found = known.get(key, (0, None))
    if found is not None and now_ms - made_ms < FRESH_MS:
        return found

    async def count() -> Summary:
        async with core.store.workspace(workspace_id).read() as tx:
            return await _count(core, tx, app, days, now_ms)

    found = await fresh.flights.join(key, count)
    for old in [each for each, (at_ms, _) in known.items() if now_ms - at_ms >= FRESH_MS]:
        del known[old]
    known[key] = now_ms, found
    return found


async def _count(core: "Core", tx: "Transaction", app: str | None, days: int, now_ms: int) -> Summary:
    today = now_ms // DAY_MS
    first, name = today - days + 1, EVERY_APP if app is None else app
    active = by_day(await read_active(tx, name, today - max(LONGEST, days), today + 1))
    new = await read_newcomers(tx, name, today - max(LONGEST, days), today + 1)
    known = await read_known(tx, name)
    for day in sorted(active):  # some devices of a day may not be rolled up yet
        new[day] = new.get(day, BitMap()) | (active[day] - known)
        known |= active[day]
    counters = await counters_by_day(tx, app, first, today + 1)
    from_ms = first * DAY_MS
    succeeded, ended = success_rate(steps_of(await reached_by_version(tx, app, from_ms=from_ms)))
    hits, misses = (
        sum(number for (_day, counter), number in counters.items() if counter == f"{Metric.OPEN}.{name}")
        for name in (HIT, MISS)
    )
    return Summary(
        days=tuple(
            Day(
                day=day,
                active=len(active.get(day, ())),
                newcomers=len(new.get(day, ())),
                opens=sum(n for (at, counter), n in counters.items() if at == day and _is(counter, Metric.OPEN)),
                start=_start({counter: n for (at, counter), n in counters.items() if at == day}.items()),
            )
            for day in range(first, today + 1)
        ),
        active_day=len(active.get(today, ())),
        active_week=distinct(active, today - 6, today + 1),
        active_month=distinct(active, today - 29, today + 1),
        retention=tuple(kept(new, active, later, today) for later in LATER),
        success=Share(ended, succeeded),
        hits=Share(hits + misses, hits),
        start=_start([(counter, n) for (_day, counter), n in counters.items()]),
        latency=await latency_since(core, tx, app, from_ms=from_ms),
    )


def _start(counters: Iterable[tuple[str, int]]) -> Start:
    classes = [0] * (len(BOOT_MS) + 1)
    for counter, number in counters:
        if _is(counter, Metric.BOOT):
            classes[int(counter.partition(".")[2])] += number
    shares = [percentile(classes, share) for share in (0.5, 0.9, 0.95)]
    return Start(sum(classes), *shares)


def _is(counter: str, metric: Metric) -> bool:
    return counter.partition(".")[0] == metric
