"""Use cases of a reviewer: approve exactly these bytes, reject, comment, bring an urgent candidate forward."""

from collections.abc import Collection

from msgspec import Struct

from sampan.offline_packages import parse_index
from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import notes_repository as notes
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.approving import (
    REVIEW,
    check_in_review,
    check_no_bond,
    check_reviewer,
    decide,
    sign_and_approve,
)
from sampan.platform.artifacts.apps_repository import App
from sampan.platform.artifacts.apps_service import visible_app
from sampan.platform.artifacts.bodies import review_digest
from sampan.platform.artifacts.candidates_repository import Body, Candidate
from sampan.platform.artifacts.lookups import candidate_of, find, index_bytes_of, visible_version
from sampan.platform.artifacts.moves import move, settle_queue
from sampan.platform.artifacts.notes_repository import Comment, Finding, HistoryEntry
from sampan.platform.artifacts.origins import Origin, origin_of
from sampan.platform.artifacts.states import StateForbids, VersionState
from sampan.platform.artifacts.storage import copy_to_targets
from sampan.platform.artifacts.trial import register_package_files
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Paging
from sampan.platform.ids import new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.body_checks import BaseMoved

COMMENT = "version:comment"
UNDER_REVIEW = frozenset({VersionState.IN_REVIEW})
QUEUE = UNDER_REVIEW | {VersionState.UPLOADED}


class VersionDetail(Struct, frozen=True):
    """A version with everything that its reviewer needs; `review_digest` is what an approval names."""

    version: Version
    bodies: list[Body]
    review_digest: str
    findings: list[Finding]
    comments: list[Comment]
    history: list[HistoryEntry]
    origin: Origin | None = None


async def list_versions(
    core: Core,
    workspace_id: str,
    actor: Actor,
    app_id: str,
    paging: Paging,
    *,
    states: Collection[VersionState] | None = None,
    trial: bool | None = None,
) -> Found[Version]:
    """Return a page of the versions of an app, in these states or all, highest sequence first."""
    async with core.store.workspace(workspace_id).read() as tx:
        await visible_app(tx, actor, app_id)
        return await versions.page_versions(tx, app_id, paging, states=states, trial=trial)


async def get_version(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int) -> VersionDetail:
    """Return a version with its bodies, findings, comments and history."""
    async with core.store.workspace(workspace_id).read() as tx:
        await visible_app(tx, actor, app_id)
        version = await find(tx, app_id, sequence)
        bodies = await candidates.bodies_of(tx, [version.candidate_id])
        return VersionDetail(
            version=version,
            bodies=bodies,
            review_digest=review_digest(version.package.package_digest, bodies),
            findings=await notes.findings_of(tx, version.candidate_id),
            comments=await notes.comments_of(tx, version.candidate_id),
            history=await notes.history_of(tx, version.candidate_id),
            origin=await origin_of(tx, version.candidate_id),
        )


async def reviews(
    core: Core, workspace_id: str, actor: Actor, paging: Paging, states: Collection[VersionState] = UNDER_REVIEW
) -> Found[Version]:
    """Return a page of what is in these states, as far as the actor may review it, the longest waiting first."""

    def may_see(version: Version) -> bool:
        return actor.may(REVIEW, publisher=version.publisher_id, app=version.app_id)

    async with core.store.workspace(workspace_id).read() as tx:
        return await versions.page_waiting(tx, states, paging, None if actor.may(REVIEW) else may_see)


async def approve(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, *, digest: str) -> Version:
    """Approve the version whose review digest this is: the review key signs, the publisher job exposes it.

    Raises `MachinesNeverApprove`, `SamePerson`, `OwnPublisher`, `BondedPair`, `StateForbids`, `ReviewStale`; and
    `BaseMoved` when the role moved on, in which case the version waits for a new signature from now on.
    """
    app, version = await visible_version(core, workspace_id, actor, app_id, sequence, REVIEW)
    async with core.store.workspace(workspace_id).read() as tx:
        await _check_may_decide(tx, actor, app, version, digest)
    index = parse_index(await index_bytes_of(core, workspace_id, version))
    await copy_to_targets(core, workspace_id, version.source_id, version.package)
    try:
        async with core.store.workspace(workspace_id).write() as tx:
            candidate, bodies = await _check_may_decide(tx, actor, app, version, digest)
            await check_no_bond(core, tx, actor, candidate)
            await sign_and_approve(core, tx, actor, candidate, bodies)
            await register_package_files(core, tx, index)
            detail = {"sequence": sequence, "review": digest, "package": version.package.package_digest}
            await audit.record(tx, actor, "version.approve", target=app_id, detail=detail, now_ms=core.now_ms())
            return await find(tx, app_id, sequence)
    except BaseMoved:
        async with core.store.workspace(workspace_id).write() as tx:
            await settle_queue(core, tx, app_id)
        raise


async def reject(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, *, digest: str, comment: str
) -> Version:
    """Refuse a version for good, with a comment that tells the publisher why."""
    app, version = await visible_version(core, workspace_id, actor, app_id, sequence, REVIEW)
    async with core.store.workspace(workspace_id).write() as tx:
        candidate, _ = await _check_may_decide(tx, actor, app, version, digest)
        await decide(core, tx, actor, candidate, VersionState.REJECTED, cause="rejected", note=comment)
        await notes.insert_comment(tx, _comment(core, actor, candidate.id, comment))
        detail = {"sequence": sequence, "review": digest}
        await audit.record(tx, actor, "version.reject", target=app_id, detail=detail, now_ms=core.now_ms())
        await settle_queue(core, tx, app_id)
        return await find(tx, app_id, sequence)


async def bring_forward(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, *, note: str
) -> Version:
    """Take a waiting version into review at once; the one under review goes back to the waiting ones."""
    async with core.store.workspace(workspace_id).write() as tx:
        await visible_app(tx, actor, app_id, REVIEW)
        version = await find(tx, app_id, sequence)
        candidate = await candidate_of(tx, version)
        if candidate.state is not VersionState.UPLOADED:
            raise StateForbids(
                f"The version is {candidate.state}; only one that waits for the slot can be brought forward.",
                state=candidate.state.value,
            )
        for holder in await versions.versions_of(tx, app_id, [VersionState.APPROVED, VersionState.IN_REVIEW]):
            displaced = await candidate_of(tx, holder)
            await move(core, tx, displaced, VersionState.UPLOADED, cause="put_back", actor=actor, note=note)
        await move(core, tx, candidate, VersionState.IN_REVIEW, cause="brought_forward", actor=actor, note=note)
        detail = {"sequence": sequence}
        await audit.record(tx, actor, "version.bring_forward", target=app_id, detail=detail, now_ms=core.now_ms())
        return await find(tx, app_id, sequence)


async def add_comment(
    core: Core,
    workspace_id: str,
    actor: Actor,
    app_id: str,
    sequence: int,
    *,
    text: str,
    file: str = "",
    line: int | None = None,
) -> Comment:
    """Say something about a version, or about a line of one of its files."""
    async with core.store.workspace(workspace_id).write() as tx:
        await visible_app(tx, actor, app_id, COMMENT)
        version = await find(tx, app_id, sequence)
        comment = _comment(core, actor, version.candidate_id, text, file=file, line=line)
        await notes.insert_comment(tx, comment)
        detail = {"sequence": sequence, "comment": comment.id}
        await audit.record(tx, actor, "version.comment", target=app_id, detail=detail, now_ms=comment.at_ms)
        return comment


async def _check_may_decide(
    tx: Transaction, actor: Actor, app: App, version: Version, digest: str
) -> tuple[Candidate, list[Body]]:
    """Return the candidate and its bodies when the actor may decide on exactly what has this digest."""
    candidate = await candidate_of(tx, version)
    bodies = await candidates.bodies_of(tx, [candidate.id])
    check_reviewer(actor, app, candidate)
    check_in_review(candidate, seen=digest, present=review_digest(version.package.package_digest, bodies))
    return candidate, bodies


def _comment(
    core: Core, actor: Actor, candidate_id: str, text: str, *, file: str = "", line: int | None = None
) -> Comment:
    return Comment(new_id("cmt"), candidate_id, core.now_ms(), actor.label, actor.person_id, text, file, line)
