"""One change of a release's state or stage, with its line in the history and in the audit log."""

from collections.abc import Mapping
from typing import Any

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.repository import Release, change_release
from sampan.platform.release.states import move


async def change_state(
    core: Core,
    tx: Transaction,
    actor: Actor,
    release: Release,
    verb: str,
    *,
    cause: str,
    stage: int | None = None,
    before: Evidence | None = None,
) -> Release:
    """Do `verb`: change the state, and the stage when given, note it and return the release as it is then."""
    state = move(release.state, verb)
    changed = await change_release(
        tx,
        release,
        state=state,
        cause=cause,
        made_by=actor.person_id,
        now_ms=core.now_ms(),
        stage=stage,
        before=before,
    )
    action = f"release.{state}" if stage is None else f"release.{verb}"
    await record(core, tx, actor, action, changed, {"cause": cause, "stage": changed.stage})
    return changed


async def record(
    core: Core, tx: Transaction, actor: Actor, action: str, release: Release, detail: Mapping[str, Any]
) -> None:
    """Note in the audit log what was done to a release."""
    facts = {"id": release.deliverable_id, "sequence": release.sequence, **detail}
    await audit.record(tx, actor, action, target=release.id, detail=facts, now_ms=core.now_ms())
