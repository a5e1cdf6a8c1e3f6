"""Funnels over any events: what devices did one after another. Reads raw events, hence bounded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sampan.platform.errors import Invalid, TooMany
from sampan.platform.insight.activity_rows import DAY_MS
from sampan.platform.insight.daily import yyyymmdd
from sampan.platform.insight.event_funnel import Happened, Reach, funnel
from sampan.platform.insight.event_types import require_known
from sampan.platform.insight.policy_rows import event_keep_days
from sampan.platform.insight.reach import READ, require_app
from sampan.platform.insight.repository import events_in_order

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.operators.actor import Actor

MOST_EVENTS = 500_000
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
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


async def count_funnel(
    core: "Core", workspace_id: str, actor: "Actor", steps: Sequence[FunnelStep], *, days: int, window_ms: int
) -> list[Reach]:
    """Return how many devices came to each step in the last `days` days, today included.

    Raises `EventTypeUnknown`, `FunnelTooOld`, `FunnelTooLarge`, and `FunnelBusy`: one is counted at a time. Who sees
    the numbers of some apps alone must name one of them in each step.
    """
    require_known(core, ((step.type, f"steps[{n}].type") for n, step in enumerate(steps)))
    turn = core.shared(_Turn, lambda _core: _Turn())
    if turn.lock.locked():
        raise FunnelBusy("Another funnel is being counted; try again in some seconds.", retry_after_seconds=5)
    async with turn.lock:
        today = core.now_ms() // DAY_MS
        async with core.store.workspace(workspace_id).read() as tx:
            for app in {step.app for step in steps}:
                if app is None:
                    actor.require(READ)
                else:
                    await require_app(tx, actor, app)
            if days > (most := await event_keep_days(tx)):
                raise FunnelTooOld(f"Events are kept for {most} days; ask about at most that many.")
            rows = await events_in_order(
                tx,
                {step.type for step in steps},
                first_day=yyyymmdd(today - days + 1),
                end_day=yyyymmdd(today + 1),
                limit=MOST_EVENTS + 1,
            )
        if len(rows) > MOST_EVENTS:
            raise FunnelTooLarge(
                f"More than {MOST_EVENTS:,} events are in question; ask about fewer days or rarer events.", field="days"
            )
        return await asyncio.to_thread(_count, rows, steps, window_ms)


def _count(rows: Sequence[Any], steps: Sequence[FunnelStep], window_ms: int) -> list[Reach]:
    happened = (
        Happened(row.device_id, row.at_ms, tuple(n for n, step in enumerate(steps) if step.is_met(row))) for row in rows
    )
    return funnel((each for each in happened if each.steps), len(steps), window_ms)
