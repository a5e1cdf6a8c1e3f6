"""Rolling back: production gets safer, and so one person may."""

from msgspec.structs import replace

from sampan.platform.core import Core
from sampan.platform.errors import Conflict
from sampan.platform.ids import new_id
from sampan.platform.operators.actor import Actor
from sampan.platform.release.deliverables import Deliverable
from sampan.platform.release.judging import NOTHING
from sampan.platform.release.releasable import kind_of, releasable
from sampan.platform.release.repository import Release, add_release, get_release
from sampan.platform.release.schedule import ALWAYS
from sampan.platform.release.stages import EVERYBODY
from sampan.platform.release.states import ReleaseState
from sampan.platform.release.taking_effect import took_effect
from sampan.platform.release.transitions import change_state, record


class NoRollbackTarget(Conflict):
    """The release was approved without a version to go back to."""

    code = "no_rollback_target"


async def roll_back_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str) -> Release:
    """Take devices back to the version that was approved together with the release; one person may.

    The target gets a release of its own for the same audience, because nothing else might offer it; a kind of value
    may have a way of its own.
    """
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        actor.require("release:stop", app=release.deliverable_id)
        if release.rollback_to is None:
            raise NoRollbackTarget(
                "This release was approved without a version to go back to; stop or kill it instead."
            )
        target = await releasable(core, tx, release.kind, release.deliverable_id, release.rollback_to)
        release = await change_state(core, tx, actor, release, "roll_back", cause=cause)
        if (roll_back := kind_of(core, release.kind).roll_back) is not None:
            await roll_back(core, tx, release, target, actor)
            await took_effect(core, tx, actor, release)
            return release
        back = _release_of_target(release, target, actor, core.now_ms())
        await add_release(tx, back)
        await record(core, tx, actor, "release.running", back, {"cause": back.cause})
        await took_effect(core, tx, actor, release, back=target)
    return release


def _release_of_target(rolled_back: Release, target: Deliverable, actor: Actor, now_ms: int) -> Release:
    return replace(
        rolled_back,
        id=new_id("rel"),
        sequence=target.sequence,
        version=target.version,
        digest=target.digest,
        size_bytes=target.size_bytes,
        min_host=target.min_host,
        url=target.url,
        stages=EVERYBODY,  # the places of a percentage are another release's
        stage=0,
        stage_since_ms=now_ms,
        started_ms=now_ms,
        judged_from_ms=now_ms,
        schedule=ALWAYS,
        before=NOTHING,
        rollback_to=None,
        cap=None,
        state=ReleaseState.RUNNING,
        is_exposed=False,
        cause=f"roll-back of {rolled_back.id}",
        row_revision=1,
        made_by=actor.person_id,
        created_ms=now_ms,
        changed_ms=now_ms,
    )
