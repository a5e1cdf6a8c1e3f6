"""Use cases of how often devices ask what they should have."""

from typing import TYPE_CHECKING

from sampan.platform.errors import Invalid
from sampan.platform.operators.audit import record
from sampan.platform.release.deliverables import OFFERS
from sampan.platform.release.sync_policy_rows import (
    LEAST_CHECK_SECONDS,
    MOST_CHECK_SECONDS,
    put_check_seconds,
    sync_check_seconds,
)
from sampan.platform.workspaces.revisions import raise_revision

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.operators.actor import Actor

POLICY = "release:policy"


class BadCheckSeconds(Invalid):
    """Devices cannot be told to ask so often, or so seldom."""

    code = "bad_sync_check_seconds"
    field = "sync_check_seconds"


async def get_check_seconds(core: "Core", workspace_id: str) -> int:
    """Return after how many seconds devices ask again at the latest."""
    async with core.store.workspace(workspace_id).read() as tx:
        return await sync_check_seconds(tx)


async def set_check_seconds(core: "Core", workspace_id: str, actor: "Actor", seconds: int) -> int:
    """Let devices ask again after so many seconds; each hears of it with its next answer."""
    if not LEAST_CHECK_SECONDS <= seconds <= MOST_CHECK_SECONDS:
        raise BadCheckSeconds(f"Let devices ask every {LEAST_CHECK_SECONDS} to {MOST_CHECK_SECONDS:,} seconds.")
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        before = await sync_check_seconds(tx)
        if seconds != before:
            await put_check_seconds(tx, seconds, now_ms=now_ms)
            await raise_revision(tx, OFFERS)
            detail = {"before": before, "after": seconds}
            await record(tx, actor, "release.policy", target="sync_check_seconds", detail=detail, now_ms=now_ms)
    return seconds
