"""Moves of a release that is approved: to another stage, pause, completion, end. One person, or its gate, may."""

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict
from sampan.platform.operators.actor import Actor
from sampan.platform.release.deliverables import app_of
from sampan.platform.release.freezes import list_freezes
from sampan.platform.release.looks_rows import promise_look
from sampan.platform.release.releasable import kind_of
from sampan.platform.release.repository import Release, get_release
from sampan.platform.release.schedule import frozen_by
from sampan.platform.release.stages import is_watched
from sampan.platform.release.states import ReleaseState, move
from sampan.platform.release.taking_effect import took_effect
from sampan.platform.release.transitions import change_state


class NoSuchStage(Conflict):
    """The release has no stage in that direction."""

    code = "no_such_stage"


class Frozen(Conflict):
    """The calendar of the workspace holds everything back now that would reach more people."""

    code = "release_frozen"


async def move_on(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str = "") -> Release:
    """Go to the next stage of the approved plan; one person may."""
    return await _go_to_stage(core, workspace_id, actor, release_id, "move_on", "release:submit", +1, cause)


async def narrow(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str) -> Release:
    """Go back to the stage before; who has the version keeps it, others are offered it no longer. One person may."""
    return await _go_to_stage(core, workspace_id, actor, release_id, "narrow", "release:stop", -1, cause)


async def _go_to_stage(
    core: Core, workspace_id: str, actor: Actor, release_id: str, verb: str, permission: str, by: int, cause: str
) -> Release:
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        actor.require(permission, app=app_of(release.deliverable_id))
        move(release.state, verb)
        if verb == "move_on":
            await refuse_in_a_freeze(core, tx)
        return await go_to_stage(core, tx, actor, release, verb, by, cause=cause)


async def go_to_stage(
    core: Core, tx: Transaction, actor: Actor, release: Release, verb: str, by: int, *, cause: str
) -> Release:
    """Take a running release to the stage beside the present one; raise `NoSuchStage` at either end."""
    stage = release.stage + by
    if not 0 <= stage < len(release.stages):
        raise NoSuchStage("There is no further stage in this direction; complete or stop the release instead.")
    release = await change_state(core, tx, actor, release, verb, cause=cause, stage=stage)
    await took_effect(core, tx, actor, release)
    await watch(core, tx, release)
    return release


async def refuse_in_a_freeze(core: Core, tx: Transaction) -> None:
    """Raise `Frozen` when the calendar of the workspace holds everything back now."""
    now_ms = core.now_ms()
    freeze = frozen_by(await list_freezes(tx, now_ms=now_ms), now_ms)
    if freeze is not None:
        facts = {"freeze": freeze.id, "until_ms": freeze.until_ms}
        raise Frozen(f"Nothing starts or moves on in a freeze: {freeze.reason}. Wait, or end the freeze.", **facts)


async def watch(core: Core, tx: Transaction, release: Release) -> None:
    """Have the release looked at again soon, unless neither a gate nor time can do anything to it any more."""
    if release.state is ReleaseState.RUNNING and is_watched(release.stages, release.stage):
        await promise_look(tx, release.id, now_ms=core.now_ms())


async def hold_release(core: Core, tx: Transaction, actor: Actor, release: Release, *, cause: str) -> None:
    """Make no new offers of a running release for now."""
    await took_effect(core, tx, actor, await change_state(core, tx, actor, release, "pause", cause=cause))


async def pause_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str) -> Release:
    """Stop new offers for now; one person may, and resuming takes two."""
    return await _lower(core, workspace_id, actor, release_id, "pause", "release:stop", cause)


async def complete_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str = "") -> Release:
    """Mark a rollout as done; it keeps offering."""
    return await _lower(core, workspace_id, actor, release_id, "complete", "release:submit", cause)


async def stop_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str) -> Release:
    """End a release for good; what is installed stays."""
    return await _lower(core, workspace_id, actor, release_id, "stop", "release:stop", cause)


async def _lower(
    core: Core, workspace_id: str, actor: Actor, release_id: str, verb: str, permission: str, cause: str
) -> Release:
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        actor.require(permission, app=app_of(release.deliverable_id))
        release = await change_state(core, tx, actor, release, verb, cause=cause)
        if verb == "complete" and (completed := kind_of(core, release.kind).completed) is not None:
            await completed(core, tx, release, actor)
        await took_effect(core, tx, actor, release)
    return release
