"""Changing the state of a candidate: checked, written only from the state that was read, noted in its history.

Everything here runs inside the caller's transaction.
"""

from collections.abc import Mapping

from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.candidates_repository import HOTFIX, RENEWAL, Candidate
from sampan.platform.artifacts.kinds import VersionHook
from sampan.platform.artifacts.notes_repository import HistoryEntry, append_history
from sampan.platform.artifacts.queue import Candidate as Queued
from sampan.platform.artifacts.queue import settle
from sampan.platform.artifacts.states import WAITING, StateForbids, VersionState, check_move
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.outbox import emit
from sampan.platform.operators.actor import Actor, system_actor
from sampan.platform.trust.profiles import PROFILES, TRIAL
from sampan.platform.trust.reading import current_app_body

REVIEWED_PROFILES = tuple(name for name in PROFILES if name != TRIAL.name)
QUEUE = system_actor("review queue")
_IN_THE_QUEUE = WAITING | {VersionState.APPROVED}


async def move(
    core: Core,
    tx: Transaction,
    candidate: Candidate,
    state: VersionState,
    *,
    cause: str,
    actor: Actor,
    note: str = "",
    **columns: object,
) -> None:
    """Bring a candidate into `state`; raise `StateForbids` when the rules or a faster caller forbid it."""
    check_move(candidate.state, state)
    changed = await candidates.update_candidate(
        tx, candidate.id, present=candidate.state, state=state.value, cause=cause, **columns
    )
    if not changed:
        raise StateForbids(
            "Somebody else has just changed the state of this version. Look at it again, then decide.",
            state=candidate.state.value,
            wanted=state.value,
        )
    await note_state(core, tx, candidate, state, cause=cause, actor=actor, note=note)


async def note_state(
    core: Core, tx: Transaction, candidate: Candidate, state: VersionState, *, cause: str, actor: Actor, note: str = ""
) -> None:
    """Write the history line and the event of a state that was just stored; tell the components that want to know."""
    now_ms = core.now_ms()
    await append_history(tx, candidate.id, HistoryEntry(now_ms, state, cause, actor.label, note))
    version = await versions.version_of_candidate(tx, candidate.id)
    if version is None:
        word = HOTFIX if candidate.kind == HOTFIX else RENEWAL
        facts = {word: candidate.id, "app": candidate.app_id, "cause": cause}
        await emit(tx, f"{word}.{state}", facts, now_ms=now_ms)
        return
    event = {"app": version.app_id, "sequence": version.sequence, "cause": cause}
    await emit(tx, f"version.{state}", event, now_ms=now_ms)
    for hook in core.contributions(VersionHook):
        await hook.run(tx, version.app_id, version.sequence, state.value)


async def role_versions(tx: Transaction, app_id: str) -> dict[str, int]:
    """Return by reviewed profile the latest stored version of an app's role, 0 before the first."""
    found: dict[str, int] = {}
    for profile in REVIEWED_PROFILES:
        latest = await current_app_body(tx, profile, app_id)
        found[profile] = latest.version if latest is not None else 0
    return found


async def settle_queue(core: Core, tx: Transaction, app_id: str) -> None:
    """Give the app's review slot to the next in line, after whatever changed."""
    waiting = {each.sequence: each for each in await versions.versions_of(tx, app_id, _IN_THE_QUEUE)}
    if not waiting:
        return
    bases = await candidates.base_versions(tx, [each.candidate_id for each in waiting.values()])
    queued = [
        Queued(
            each.sequence,
            each.state,
            each.is_urgent,
            each.queued_ms,
            _reviewed(bases.get(each.candidate_id, {})),
        )
        for each in waiting.values()
    ]
    highest = await versions.highest_published(tx, app_id)
    current = await role_versions(tx, app_id)
    for step in settle(queued, highest_published=highest, current=current):
        candidate = await candidates.find_candidate(tx, waiting[step.sequence].candidate_id)
        if candidate is not None:
            await move(core, tx, candidate, step.state, cause=step.cause, actor=QUEUE)


def _reviewed(bases: Mapping[str, int]) -> dict[str, int]:
    return {profile: version for profile, version in bases.items() if profile in REVIEWED_PROFILES}
