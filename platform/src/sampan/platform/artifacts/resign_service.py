"""Signing anew: other bodies, or another sequence, for files that the server holds already."""

from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins

from sampan.offline_packages import parse_index
from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.admitting import Submission
from sampan.platform.artifacts.bodies import Judged, judge
from sampan.platform.artifacts.candidates_repository import Candidate
from sampan.platform.artifacts.lookups import candidate_of, find, index_bytes_of, stored_facts, visible_version
from sampan.platform.artifacts.moves import REVIEWED_PROFILES, move, settle_queue
from sampan.platform.artifacts.origins import keep_origin
from sampan.platform.artifacts.states import WAITING, StateForbids, VersionState
from sampan.platform.artifacts.storage import files_gone, keys_of
from sampan.platform.artifacts.trial import open_trial, put_trial_files
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.profiles import TRIAL

SUBMIT = "version:submit"


async def resign(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, bodies: Mapping[str, bytes]
) -> Version:
    """Replace the bodies of a waiting version by ones that follow the present base; nothing is uploaded.

    The trial body alone may come too: it opens the trial and leaves the review untouched.
    """
    _, version = await visible_version(core, workspace_id, actor, app_id, sequence, SUBMIT)
    if version.state not in WAITING:
        raise StateForbids(
            f"The version is {version.state}; only one that waits can be signed anew.", state=version.state.value
        )
    index_bytes = await index_bytes_of(core, workspace_id, version)
    needed = () if set(bodies) == {TRIAL.name} else REVIEWED_PROFILES
    async with core.store.workspace(workspace_id).read() as tx:
        facts = stored_facts(version, index_bytes)
        judged = await judge(core, tx, version.candidate_id, facts, bodies, needed=needed)
    if judged.trial is not None:
        await put_trial_files(core, workspace_id, version.source_id, version.package)
    index = parse_index(index_bytes)
    async with core.store.workspace(workspace_id).write() as tx:
        candidate = await candidate_of(tx, version)
        await _replace_bodies(core, tx, actor, candidate, judged)
        await versions.update_version(tx, app_id, sequence, floor=judged.floor)
        await open_trial(core, tx, version.package, index, judged.trial, note=judged.trial_note)
        await settle_queue(core, tx, app_id)
        return await find(tx, app_id, sequence)


async def send_again(core: Core, workspace_id: str, actor: Actor, version: Version, submission: Submission) -> Version:
    """Put a withdrawn version back in line, with the bodies that came now; its trial stays as it was."""
    index_bytes = await index_bytes_of(core, workspace_id, version)
    bodies = {profile: body for profile, body in submission.bodies.items() if profile != TRIAL.name}
    async with core.store.workspace(workspace_id).read() as tx:
        judged = await judge(core, tx, version.candidate_id, stored_facts(version, index_bytes), bodies)
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        candidate = await candidate_of(tx, version)
        if not await core.objects.exists(keys_of(workspace_id, version).package):
            raise files_gone()  # the sweep removes them in a transaction too, so one of both comes first
        for body in judged.bodies:
            await candidates.put_body(tx, body, now_ms=now_ms)
        await move(
            core,
            tx,
            candidate,
            VersionState.UPLOADED,
            cause="sent_again",
            actor=actor,
            signed_person_id=actor.person_id,
        )
        await versions.update_version(
            tx, version.app_id, version.sequence, is_urgent=submission.is_urgent, queued_ms=now_ms, floor=judged.floor
        )
        detail: dict[str, Any] = {"sequence": version.sequence, "package": version.package.package_digest}
        if submission.origin is not None:
            await keep_origin(tx, candidate.id, submission.origin, by=actor.label, now_ms=now_ms)
            detail["promoted_from_as_claimed"] = to_builtins(submission.origin)
        await audit.record(tx, actor, "version.submit", target=version.app_id, detail=detail, now_ms=now_ms)
        await settle_queue(core, tx, version.app_id)
        return await find(tx, version.app_id, version.sequence)


async def _replace_bodies(core: Core, tx: Transaction, actor: Actor, candidate: Candidate, judged: Judged) -> None:
    now_ms = core.now_ms()
    if candidate.state not in WAITING:
        raise StateForbids("The version has just changed its state; look at it again.", state=candidate.state.value)
    for body in judged.bodies:
        await candidates.put_body(tx, body, now_ms=now_ms)
    if any(body.profile in REVIEWED_PROFILES for body in judged.bodies):
        target, cause = _after_signing(candidate.state, judged)
        await candidates.update_candidate(tx, candidate.id, present=candidate.state, signed_person_id=actor.person_id)
        if target is not candidate.state:
            await move(core, tx, candidate, target, cause=cause, actor=actor)
    detail = {"bodies": {body.profile: body.body_digest for body in judged.bodies}, "candidate": candidate.id}
    await audit.record(tx, actor, "version.resign", target=candidate.app_id, detail=detail, now_ms=now_ms)


def _after_signing(state: VersionState, judged: Judged) -> tuple[VersionState, str]:
    if judged.has_moved_base:
        return VersionState.NEEDS_SIGNATURE, "base_moved"
    return (state if state is VersionState.IN_REVIEW else VersionState.UPLOADED), "signed_anew"
