"""The security log: refused reads, failed sign-ins and probes, as log lines under a rate.

They do not go into the audit chain, because strangers could fill it. Over the rate a line is dropped; the
first line of the next minute tells how many.
"""

from typing import TYPE_CHECKING, Any

from sampan.platform.errors import SampanError
from sampan.platform.logs import Log

if TYPE_CHECKING:
    from sampan.platform.core import Core

LINES_A_MINUTE = 120
MINUTE_MS = 60_000
log = Log("security")


async def note_refusal(core: "Core", workspace_id: str, what: str, **facts: Any) -> None:
    """Write one line about a refusal, unless too many of its kind were written this minute."""
    now_ms = core.now_ms()
    minute = now_ms // MINUTE_MS
    door = core.store.workspace(workspace_id)
    try:
        count = await core.counters.increment(
            door.key("security-log", what, str(minute)), window_ms=2 * MINUTE_MS, now_ms=now_ms
        )
    except SampanError:
        return  # counters that are full hide the line, never the refusal itself
    if count <= LINES_A_MINUTE:
        log.warning("refused", what=what, workspace=workspace_id, **facts)
    elif count == LINES_A_MINUTE + 1:
        log.warning("refusals_not_shown", what=what, workspace=workspace_id)
