"""Funnels over any events: what devices did one after another. Reads raw events, hence bounded.

It reads them in pieces, each in a transaction of its own, and sorts and counts in a thread: meanwhile the server goes
on. An event that comes while they are read may count or not.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult

from sampan.platform.errors import Invalid, TooMany
from sampan.platform.insight.activity_rows import DAY_MS
from sampan.platform.insight.daily import yyyymmdd
from sampan.platform.insight.event_funnel import Happened, Reach, funnel
from sampan.platform.insight.event_types import require_known
from sampan.platform.insight.policy import KEEP_DAYS
from sampan.platform.insight.reach import READ, require_app
from sampan.platform.insight.repository import events_of_day

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.operators.actor import Actor

MOST_EVENTS = 200_000
PIECE = 5_000
MOST_DAYS = 31
MOST_STEPS = 8


class FunnelTooLarge(Invalid):
    """More events are in question than one funnel reads."""

    code = "funnel_too_large"


class FunnelTooOld(Invalid):
    """The funnel asks about days whose events are no longer kept."""

    code = "funnel_too_old"
    field = "days"


class FunnelBusy(TooMany):
    """Another funnel is being counted."""

    code = "funnel_busy"


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """What must have happened: an event of a type, in any app or one, in any version or one."""

    type: str
    app: str | None = None
    sequence: int | None = None

    def is_met(self, row: Any) -> bool:
        """Whether an event is this step."""
        is_app = self.app is None or row.app == self.app
        return row.type == self.type and is_app and (self.sequence is None or row.sequence == self.sequence)


@dataclass(slots=True)
class _Turn:
    """The workspaces of which a funnel is being counted."""

    taken: set[str] = field(default_factory=set)


Told = defaultdict[str, list[tuple[int, int, tuple[int, ...]]]]
"""By device, in any order: an event's number, its time, and the steps that it may be."""


async def count_funnel(
    core: "Core", workspace_id: str, actor: "Actor", steps: Sequence[FunnelStep], *, days: int, window_ms: int
) -> list[Reach]:
    """Return how many devices came to each step in the last `days` days, today included.

    Raises `EventTypeUnknown`, `FunnelTooOld`, `FunnelTooLarge`, and `FunnelBusy`: one of a workspace is counted at a
    time. Who sees the numbers of some apps alone must name one of them in each step.
    """
    require_known(core, ((step.type, f"steps[{n}].type") for n, step in enumerate(steps)))
    turn = core.shared(_Turn, lambda _core: _Turn())
    if workspace_id in turn.taken:
        raise FunnelBusy("Another funnel is being counted; try again in some seconds.", retry_after_seconds=5)
    turn.taken.add(workspace_id)
    try:
        async with core.store.workspace(workspace_id).read() as tx:
            for app in {step.app for step in steps}:
                if app is None:
                    actor.require(READ)
                else:
                    await require_app(tx, actor, app)
            if days > (most := await KEEP_DAYS.read(tx)):
                raise FunnelTooOld(f"Events are kept for {most} days; ask about at most that many.")
        told = await _read(core, workspace_id, steps, days)
        return await asyncio.to_thread(lambda: funnel(_in_order(told), len(steps), window_ms))
    finally:
        turn.taken.discard(workspace_id)


async def _read(core: "Core", workspace_id: str, steps: Sequence[FunnelStep], days: int) -> Told:
    """Return what devices did in the last days; raise `FunnelTooLarge`."""
    door, types = core.store.workspace(workspace_id), {step.type for step in steps}
    told, number, today = Told(list), 0, core.now_ms() // DAY_MS
    for day in range(today - days + 1, today + 1):
        after: tuple[str, int] | None = ("", 0)
        while after is not None:
            async with door.read() as tx:
                rows = await events_of_day(tx, types, yyyymmdd(day), after=after, limit=PIECE)
                found, after = await asyncio.to_thread(_take, told, rows, steps)
            number += found
            if number > MOST_EVENTS:
                raise FunnelTooLarge(
                    f"A funnel reads at most {MOST_EVENTS:,} events, and more are in question; ask about fewer days or"
                    " rarer events.",
                    field="days",
                )
    return told


def _take(told: Told, found: CursorResult[Any], steps: Sequence[FunnelStep]) -> tuple[int, tuple[str, int] | None]:
    """Add a piece; return how many events it had, and where the next one begins, None after the last."""
    rows = found.all()
    for row in rows:
        if met := tuple(n for n, step in enumerate(steps) if step.is_met(row)):
            told[row.device_id].append((row.seq, row.at_ms, met))
    return len(rows), (rows[-1].device_id, rows[-1].seq) if len(rows) == PIECE else None


def _in_order(told: Mapping[str, list[tuple[int, int, tuple[int, ...]]]]) -> Iterator[Happened]:
    """Return each device's events together and in its own order: those of a gap may have come on a later day."""
    for device, events in told.items():
        for _seq, at_ms, met in sorted(events):
            yield Happened(device, at_ms, met)
