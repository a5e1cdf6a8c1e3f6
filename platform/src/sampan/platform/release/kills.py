"""Killing a version: it neither installs nor opens on any device again."""

from sampan.offline_packages.control import Killed
from sampan.platform.core import Core
from sampan.platform.engines.outbox import emit
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.release.deliverables import app_of
from sampan.platform.release.releasable import kind_of, releasable
from sampan.platform.release.repository import offering_releases
from sampan.platform.release.taking_effect import write_control
from sampan.platform.release.transitions import change_state
from sampan.platform.workspaces.revisions import raise_revision


async def kill_version(
    core: Core,
    workspace_id: str,
    actor: Actor,
    *,
    kind: str,
    deliverable_id: str,
    sequence: int,
    reason: str,
    cause: str,
) -> None:
    """Forbid a published version on every device after its next contact; it neither installs nor opens again."""
    actor.require("release:kill", app=app_of(deliverable_id))
    found = kind_of(core, kind)
    if found.before_kill is not None:
        await found.before_kill(core, workspace_id, deliverable_id, sequence)
    async with core.store.workspace(workspace_id).write() as tx:
        deliverable = await releasable(core, tx, kind, deliverable_id, sequence)
        await found.kill(core, tx, deliverable_id, sequence, reason, actor, cause)
        for release in await offering_releases(tx, deliverable_id=deliverable_id):
            if release.kind == kind and release.sequence == sequence:
                await change_state(core, tx, actor, release, "stop", cause=cause)
        entry = Killed(sequence=sequence, digest=deliverable.digest, code=reason)
        await write_control(core, tx, actor, found, deliverable_id, killed=entry)
        await raise_revision(tx, found.part)
        detail = {"sequence": sequence, "digest": deliverable.digest, "reason": reason, "cause": cause}
        await audit.record(
            tx, actor, "version.killed", target=f"{kind}/{deliverable_id}", detail=detail, now_ms=core.now_ms()
        )
        await emit(tx, "version.killed", {"kind": kind, "id": deliverable_id, **detail}, now_ms=core.now_ms())
