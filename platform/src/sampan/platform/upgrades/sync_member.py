"""`upgrade` in the sync answer: the version of the super-app that this client should have, where there is one."""

from bisect import bisect_right
from typing import TYPE_CHECKING

from sampan.platform.audience.audience_rows import PART as AUDIENCES
from sampan.platform.audience.known import facts_of
from sampan.platform.audience.tag_states import LOG as TAGS
from sampan.platform.identity.caller import Caller
from sampan.platform.release.sync import SyncPart, SyncRequest
from sampan.platform.upgrades.part import PART
from sampan.platform.workspaces.replica import WorkspaceView

if TYPE_CHECKING:
    from sampan.platform.upgrades.compiled import CompiledUpgrades


def state(view: WorkspaceView, now_ms: int) -> bytes:
    """Return what the member depends on besides revision and caller: times and tags that audiences name."""
    part: CompiledUpgrades | None = view.parts[PART]
    if part is None or not (part.moments_ms or part.has_tags):
        return b"-"
    audiences = view.parts.get(AUDIENCES)
    era = audiences.era(now_ms) if audiences is not None else 0
    tags = view.cursors[TAGS].n if TAGS in view.cursors else 0
    return b"%d.%d.%d" % (bisect_right(part.moments_ms, now_ms), era, tags)


def answer(view: WorkspaceView, caller: Caller, request: SyncRequest, now_ms: int) -> bytes:
    """Return the member; empty, and so left out, when this client has what it should."""
    part: CompiledUpgrades | None = view.parts[PART]
    if part is None or caller.client_app not in part.by_app:
        return b""
    facts = facts_of(view, caller, now_ms=now_ms, claims=request.device.claims())
    return part.answer(facts, request.device.host_version)


sync_part = SyncPart("upgrade", answer, state)
