"""Use cases of how long events are kept."""

from typing import TYPE_CHECKING

from sampan.platform.errors import Invalid
from sampan.platform.insight.policy_rows import (
    LEAST_KEEP_DAYS,
    MOST_KEEP_DAYS,
    event_keep_days,
    put_keep_days,
)
from sampan.platform.operators.audit import record

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.operators.actor import Actor

POLICY = "insight:policy"


class BadKeepDays(Invalid):
    """Events cannot be kept for so many days."""

    code = "bad_event_keep_days"
    field = "event_keep_days"


async def keep_days(core: "Core", workspace_id: str) -> int:
    """Return for how many days events are kept."""
    async with core.store.workspace(workspace_id).read() as tx:
        return await event_keep_days(tx)


async def set_keep_days(core: "Core", workspace_id: str, actor: "Actor", days: int) -> int:
    """Keep events for so many days from now on; what is older goes within some minutes, and does not come back."""
    if not LEAST_KEEP_DAYS <= days <= MOST_KEEP_DAYS:
        raise BadKeepDays(f"Keep events for {LEAST_KEEP_DAYS} to {MOST_KEEP_DAYS:,} days.")
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        before = await event_keep_days(tx)
        if days != before:
            await put_keep_days(tx, days, now_ms=now_ms)
            detail = {"before": before, "after": days}
            await record(tx, actor, "insight.keep", target="event_keep_days", detail=detail, now_ms=now_ms)
    return days
