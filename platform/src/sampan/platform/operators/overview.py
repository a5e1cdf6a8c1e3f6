"""The first page of the console: what needs the person who looks, how the platform is, numbers by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sampan.platform.operators.actor import Actor
from sampan.platform.operators.attention import DailySeries, HealthLine, Matter, health_of, matters_of
from sampan.platform.operators.system_service import READ, Storage, Worker, storage_of, this_worker

if TYPE_CHECKING:
    from sampan.platform.core import Core

DAY_MS = 24 * 3600 * 1000
SHOWN_OF_A_KIND = 20
SERIES_READ = "insight:read"
SERIES_FRESH_MS = 60_000


@dataclass(frozen=True, slots=True)
class Group:
    """The matters of one kind: how many concern the actor, and the first of them."""

    kind: str
    count: int
    matters: tuple[Matter, ...]


@dataclass(frozen=True, slots=True)
class PlatformState:
    """How the platform is, for whoever may know."""

    worker: Worker
    storage: Storage
    lines: tuple[HealthLine, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One number for each day, the oldest first."""

    name: str
    zh: str
    en: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows; what the actor may not know is None or empty."""

    groups: tuple[Group, ...]
    platform: PlatformState | None
    first_day_ms: int
    series: tuple[Series, ...]


class _Charts:
    """Series that were counted a moment ago: many look at the page, and a day's events are many."""

    def __init__(self, _core: "Core") -> None:
        self.known: dict[tuple[str, int], tuple[int, tuple[Series, ...]]] = {}


async def overview(core: "Core", workspace_id: str, actor: Actor, *, days: int) -> Overview:
    """Return the page for an actor, with the last `days` days, today included."""
    async with core.store.workspace(workspace_id).read() as tx:
        mine = [matter for matter in await matters_of(core, tx) if matter.concerns(actor)]
        lines = tuple(await health_of(core, tx)) if actor.may(READ) else ()
    platform = None
    if actor.may(READ):
        platform = PlatformState(this_worker(core, workspace_id), await storage_of(core), lines)
    end = core.now_ms() // DAY_MS + 1
    series = await _series(core, workspace_id, end, days) if actor.may(SERIES_READ) else ()
    return Overview(_grouped(mine), platform, (end - days) * DAY_MS, series)


def _grouped(matters: Sequence[Matter]) -> tuple[Group, ...]:
    kinds = dict.fromkeys(matter.kind for matter in matters)
    groups = []
    for kind in kinds:
        found = tuple(matter for matter in matters if matter.kind == kind)
        groups.append(Group(kind, len(found), found[:SHOWN_OF_A_KIND]))
    return tuple(groups)


async def _series(core: "Core", workspace_id: str, end: int, days: int) -> tuple[Series, ...]:
    known, now_ms = core.shared(_Charts, _Charts).known, core.now_ms()
    counted_ms, series = known.get((workspace_id, days), (-SERIES_FRESH_MS, ()))
    if now_ms - counted_ms < SERIES_FRESH_MS:
        return series
    found = []
    async with core.store.workspace(workspace_id).read() as tx:
        for each in core.contributions(DailySeries):
            numbers = await each.count(tx, end - days, end)
            found.append(
                Series(each.name, each.zh, each.en, tuple(numbers.get(day, 0) for day in range(end - days, end)))
            )
    known[workspace_id, days] = now_ms, tuple(found)
    return tuple(found)
