"""For the floors above: the moves that a release makes with a published version."""

from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.lookups import candidate_of, find
from sampan.platform.artifacts.moves import move
from sampan.platform.artifacts.published import PART
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor
from sampan.platform.workspaces.revisions import raise_revision


async def mark_killed(
    core: Core, tx: Transaction, app_id: str, sequence: int, *, code: str, actor: Actor, note: str = ""
) -> None:
    """Mark a published version as killed; the caller writes control and the releases."""
    version = await find(tx, app_id, sequence)
    await move(core, tx, await candidate_of(tx, version), VersionState.KILLED, cause="killed", actor=actor, note=note)
    await versions.update_version(tx, app_id, sequence, killed_code=code)
    await raise_revision(tx, PART)


async def unmark_killed(core: Core, tx: Transaction, app_id: str, sequence: int, *, actor: Actor) -> None:
    """Mark a killed version as published again, after two people agreed to it."""
    version = await find(tx, app_id, sequence)
    candidate = await candidate_of(tx, version)
    await move(core, tx, candidate, VersionState.PUBLISHED, cause="kill_lifted", actor=actor)
    await versions.update_version(tx, app_id, sequence, killed_code="")
    await raise_revision(tx, PART)


async def set_state(
    core: Core, tx: Transaction, app_id: str, sequence: int, state: VersionState, *, cause: str, actor: Actor
) -> None:
    """Bring a version into a state that the rules allow from its present one."""
    version = await find(tx, app_id, sequence)
    await move(core, tx, await candidate_of(tx, version), state, cause=cause, actor=actor)
    await raise_revision(tx, PART)
