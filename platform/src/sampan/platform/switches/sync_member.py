"""`switches_etag` in the sync answer: when it is another one, the device asks for its switches again."""

from bisect import bisect_right
from typing import TYPE_CHECKING

from sampan.platform.audience.audience_rows import PART as AUDIENCES
from sampan.platform.audience.tag_states import LOG as TAGS
from sampan.platform.identity.caller import Caller
from sampan.platform.release.sync import SyncPart, SyncRequest
from sampan.platform.switches.part import PART
from sampan.platform.workspaces.replica import WorkspaceView

if TYPE_CHECKING:
    from sampan.platform.switches.compiled import SwitchesPart


def state(view: WorkspaceView, now_ms: int) -> bytes:
    """Return what changes whenever any answer may change that does not depend on the caller alone."""
    part: SwitchesPart | None = view.parts[PART]
    if part is None:
        return b"-"
    if not part.moments_ms and not part.has_tags:
        return part.seal.encode()
    audiences = view.parts.get(AUDIENCES)
    era = audiences.era(now_ms) if audiences is not None else 0
    tags = view.cursors[TAGS].n if TAGS in view.cursors else 0
    edition = view.part_numbers.get(AUDIENCES, 0)
    moments = bisect_right(part.moments_ms, now_ms)
    return b"%b.%d.%d.%d.%d" % (part.seal.encode(), moments, era, edition, tags)


def answer(view: WorkspaceView, caller: Caller, _request: SyncRequest, now_ms: int) -> bytes:
    """Return the member: a text that says nothing but whether it is the same as before."""
    return b'"%b.%d.%d"' % (state(view, now_ms), caller.subject, caller.tier)


sync_part = SyncPart("switches_etag", answer, state)
