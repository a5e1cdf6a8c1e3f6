"""What this floor does when a tree has a new snapshot: approved becomes published, and the others in line settle.

Runs in the transaction that marks the snapshot exposed, so "published" and "visible" are one moment.
"""

from collections.abc import Collection

from sampan.offline_packages.roles import app_role
from sampan.platform.artifacts import apps_repository
from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.candidates_repository import ARCHIVE, HOTFIX, Candidate
from sampan.platform.artifacts.moves import QUEUE, REVIEWED_PROFILES, move, role_versions, settle_queue
from sampan.platform.artifacts.published import PART
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.trial_part import TRIAL_PART
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import system_actor
from sampan.platform.trust.profiles import TRIAL
from sampan.platform.workspaces.revisions import raise_revision

PUBLISHER_JOB = system_actor("publisher job")


async def on_tree_published(core: Core, tx: Transaction, profile: str, roles: dict[str, int]) -> None:
    """Take note of the roles that became visible in a tree."""
    exposed = [
        candidate_id
        for candidate_id, app_id, version in await candidates.countersigned_not_exposed(tx, profile)
        if version <= roles.get(app_role(app_id), 0)
    ]
    for candidate_id in exposed:
        await candidates.mark_exposed(tx, candidate_id, profile)
        if profile == TRIAL.name:
            await _open_for_testers(tx, candidate_id)
        else:
            await _publish_when_everywhere(core, tx, candidate_id)
    await _settle(core, tx, {role.removeprefix("app.") for role in roles if role.startswith("app.")})


async def _open_for_testers(tx: Transaction, candidate_id: str) -> None:
    version = await versions.version_of_candidate(tx, candidate_id)
    if version is not None:
        await versions.update_version(tx, version.app_id, version.sequence, is_trial=True)
        await raise_revision(tx, TRIAL_PART)


async def _publish_when_everywhere(core: Core, tx: Transaction, candidate_id: str) -> None:
    bodies = await candidates.bodies_of(tx, [candidate_id])
    if not all(body.is_exposed for body in bodies if body.profile in REVIEWED_PROFILES):
        return
    candidate = await candidates.find_candidate(tx, candidate_id)
    if candidate is None or candidate.state is not VersionState.APPROVED:
        return
    await move(
        core,
        tx,
        candidate,
        VersionState.PUBLISHED,
        cause="published",
        actor=PUBLISHER_JOB,
        published_ms=core.now_ms(),
    )
    if candidate.kind == ARCHIVE:
        await _archive(core, tx, candidate)
    await raise_revision(tx, PART)


async def _archive(core: Core, tx: Transaction, candidate: Candidate) -> None:
    await apps_repository.mark_app_archived(tx, candidate.app_id, now_ms=core.now_ms())
    for version in await versions.versions_of(tx, candidate.app_id, [VersionState.PUBLISHED, VersionState.KILLED]):
        found = await candidates.find_candidate(tx, version.candidate_id)
        if found is not None:
            await move(core, tx, found, VersionState.ARCHIVED, cause="app_archived", actor=PUBLISHER_JOB)


async def _settle(core: Core, tx: Transaction, app_ids: Collection[str]) -> None:
    for app_id in await candidates.apps_with_waiting(tx):
        if app_id in app_ids:
            await settle_queue(core, tx, app_id)
            await _settle_hotfixes(core, tx, app_id)


async def _settle_hotfixes(core: Core, tx: Transaction, app_id: str) -> None:
    """Ask for new signatures under hotfixes whose base is no longer the published role."""
    waiting = await candidates.candidates_of(tx, app_id, kind=HOTFIX, states=[VersionState.IN_REVIEW])
    bases = await candidates.base_versions(tx, [each.id for each in waiting])
    current = await role_versions(tx, app_id) if waiting else {}
    for each in waiting:
        if any(current.get(profile) != version for profile, version in bases[each.id].items()):
            await move(core, tx, each, VersionState.NEEDS_SIGNATURE, cause="base_moved", actor=QUEUE)
