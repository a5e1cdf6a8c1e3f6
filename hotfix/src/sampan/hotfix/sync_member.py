"""`hotfixes` in the sync answer: for every version the hotfix that this client should have, where there is one."""

from bisect import bisect_right
from typing import TYPE_CHECKING

from sampan.hotfix.names import PART
from sampan.platform.audience.audience_rows import PART as AUDIENCES
from sampan.platform.audience.known import facts_of
from sampan.platform.audience.tag_states import LOG as TAGS
from sampan.platform.identity.caller import Caller
from sampan.platform.insight.tickets import Tickets
from sampan.platform.release.sync import SyncPart, SyncRequest
from sampan.platform.workspaces.replica import WorkspaceView

if TYPE_CHECKING:
    from sampan.hotfix.compiled import CompiledHotfixes


def state(view: WorkspaceView, now_ms: int) -> bytes:
    """Return what the member depends on besides revision and caller: times and tags that audiences name."""
    part: CompiledHotfixes | None = view.parts[PART]
    if part is None or not (part.moments_ms or part.has_tags):
        return b"-"
    audiences = view.parts.get(AUDIENCES)
    era = audiences.era(now_ms) if audiences is not None else 0
    tags = view.cursors[TAGS].n if TAGS in view.cursors else 0
    return b"%d.%d.%d" % (bisect_right(part.moments_ms, now_ms), era, tags)


def offers(view: WorkspaceView, caller: Caller, request: SyncRequest, now_ms: int, tickets: Tickets) -> bytes:
    """Return the member; empty, and so left out, when there is nothing for this subject."""
    part: CompiledHotfixes | None = view.parts[PART]
    if part is None or not part.snapshots:
        return b""
    facts = facts_of(view, caller, now_ms=now_ms, claims=request.device.claims())
    return part.answer(facts, request.device.host_version, tickets, caller.device_id)


sync_part = SyncPart("hotfixes", state=state, offers=offers)
