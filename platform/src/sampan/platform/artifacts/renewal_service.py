"""Candidates without a package: an app's role for one more year, or the empty role of an app that is archived."""

from collections.abc import Mapping

from tuf.api.metadata import Targets

from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import problems
from sampan.platform.artifacts.admitting import new_candidate
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
from sampan.platform.artifacts.bodies import make_body, review_digest
from sampan.platform.artifacts.candidates_repository import ARCHIVE, RENEWAL, Body, Candidate
from sampan.platform.artifacts.moves import REVIEWED_PROFILES, move, note_state
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Paging
from sampan.platform.errors import Invalid
from sampan.platform.ids import new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor, system_actor
from sampan.platform.trust.body_checks import BaseMoved
from sampan.platform.trust.countersigning import check_body, countersign
from sampan.platform.trust.profiles import TRIAL, profile_named
from sampan.platform.trust.reading import current_app_body

SUBMIT = "version:submit"
KINDS = (RENEWAL, ARCHIVE)
OPEN = (VersionState.IN_REVIEW, VersionState.APPROVED)
S = VersionState


class NotARenewal(Invalid):
    """A body that changes more, or less, than the kind of request says."""

    code = "not_a_renewal"


async def submit_renewal(
    core: Core, workspace_id: str, actor: Actor, app_id: str, *, kind: str, bodies: Mapping[str, bytes]
) -> Candidate:
    """Send signed bodies that renew (`renewal`) or empty (`archive`) an app's role; they go straight into review.

    The trial tree's body is signed by the intake key at once. Raises what `check_body` raises.
    """
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        app = await visible_app(tx, actor, app_id, SUBMIT)
        if app.archived_ms is not None:
            raise problems.AppArchived(f"{app_id} is archived; there is nothing to renew.")
        await _make_room(core, tx, actor, app_id)
        for profile, body in bodies.items():
            await _check(core, tx, app_id, profile_named(profile).name, kind, body)
        for profile in REVIEWED_PROFILES:
            if profile not in bodies:
                raise problems.BodyMissing(f"Send the signed body for the tree {profile}.", field=f"bodies.{profile}")
        candidate = new_candidate(new_id("ren"), app_id, kind, S.IN_REVIEW, kind, actor, now_ms)
        await candidates.insert_candidate(tx, candidate)
        for profile, body in bodies.items():
            await candidates.put_body(tx, make_body(candidate.id, profile, body), now_ms=now_ms)
        await note_state(core, tx, candidate.id, S.IN_REVIEW, cause=kind, actor=actor)
        await audit.record(tx, actor, f"app.{kind}", target=app_id, detail={"candidate": candidate.id}, now_ms=now_ms)
        if TRIAL.name in bodies:
            await _sign_trial(core, tx, candidate, bodies[TRIAL.name])
        return candidate


async def list_renewals(
    core: Core, workspace_id: str, actor: Actor, app_id: str, paging: Paging
) -> Found[tuple[Candidate, str]]:
    """Return a page of an app's renewals with the digest that an approval names, newest first."""
    async with core.store.workspace(workspace_id).read() as tx:
        await visible_app(tx, actor, app_id)
        found = await candidates.page_candidates(tx, app_id, KINDS, paging)
        bodies = await candidates.bodies_of(tx, [each.id for each in found.items])
    by_id = {each.id: [body for body in bodies if body.candidate_id == each.id] for each in found.items}
    return found.shown(lambda each: (each, renewal_digest(each, by_id[each.id])))


async def get_renewal(
    core: Core, workspace_id: str, actor: Actor, app_id: str, renewal_id: str
) -> tuple[Candidate, str]:
    """Return one renewal of an app with the digest that an approval names."""
    async with core.store.workspace(workspace_id).read() as tx:
        await visible_app(tx, actor, app_id)
        found = await _find(tx, app_id, renewal_id)
        return found, renewal_digest(found, await candidates.bodies_of(tx, [renewal_id]))


async def approve_renewal(
    core: Core, workspace_id: str, actor: Actor, app_id: str, renewal_id: str, *, digest: str
) -> Candidate:
    """Approve exactly these bodies; like a version's approval in every respect but the package."""
    try:
        async with core.store.workspace(workspace_id).write() as tx:
            app, candidate, bodies = await _for_review(tx, actor, app_id, renewal_id)
            check_in_review(candidate, seen=digest, present=renewal_digest(candidate, bodies))
            check_reviewer(actor, app, candidate)
            await check_no_bond(core, tx, actor, candidate)
            await sign_and_approve(core, tx, actor, candidate, bodies)
            detail = {"candidate": renewal_id, "review": digest}
            await audit.record(
                tx, actor, f"app.{candidate.kind}_approve", target=app_id, detail=detail, now_ms=core.now_ms()
            )
            return await _find(tx, app_id, renewal_id)
    except BaseMoved:
        async with core.store.workspace(workspace_id).write() as tx:
            moved = await _find(tx, app_id, renewal_id)
            if moved.state is S.IN_REVIEW:
                await move(core, tx, moved, S.NEEDS_SIGNATURE, cause="base_moved", actor=system_actor("review queue"))
        raise


async def reject_renewal(
    core: Core, workspace_id: str, actor: Actor, app_id: str, renewal_id: str, *, digest: str, comment: str
) -> Candidate:
    """Refuse a renewal; the role stays as it is and expires when it said."""
    async with core.store.workspace(workspace_id).write() as tx:
        app, candidate, bodies = await _for_review(tx, actor, app_id, renewal_id)
        check_reviewer(actor, app, candidate)
        check_in_review(candidate, seen=digest, present=renewal_digest(candidate, bodies))
        await decide(core, tx, actor, candidate, S.REJECTED, cause="rejected", note=comment)
        detail = {"candidate": renewal_id}
        await audit.record(
            tx, actor, f"app.{candidate.kind}_reject", target=app_id, detail=detail, now_ms=core.now_ms()
        )
        return await _find(tx, app_id, renewal_id)


async def withdraw_renewal(core: Core, workspace_id: str, actor: Actor, app_id: str, renewal_id: str) -> Candidate:
    """Take a renewal back."""
    async with core.store.workspace(workspace_id).write() as tx:
        await visible_app(tx, actor, app_id, SUBMIT)
        candidate = await _find(tx, app_id, renewal_id)
        await move(core, tx, candidate, S.WITHDRAWN, cause="withdrawn", actor=actor)
        detail = {"candidate": renewal_id}
        await audit.record(
            tx, actor, f"app.{candidate.kind}_withdraw", target=app_id, detail=detail, now_ms=core.now_ms()
        )
        return await _find(tx, app_id, renewal_id)


def renewal_digest(candidate: Candidate, bodies: list[Body]) -> str:
    """Return the digest that an approval of this renewal names."""
    return review_digest(f"{candidate.kind}:{candidate.app_id}", bodies)


async def _make_room(core: Core, tx: Transaction, actor: Actor, app_id: str) -> None:
    """Refuse a second open renewal; one whose base moved is replaced by the new one."""
    for kind in KINDS:
        for each in await candidates.candidates_of(tx, app_id, kind=kind, states=[*OPEN, S.NEEDS_SIGNATURE]):
            if each.state in OPEN:
                raise problems.RenewalOpen(
                    f"Another {each.kind} of {app_id} is {each.state}; withdraw it or wait for it.", renewal=each.id
                )
            await move(core, tx, each, S.WITHDRAWN, cause="replaced", actor=actor)


async def _check(core: Core, tx: Transaction, app_id: str, profile: str, kind: str, body: bytes) -> None:
    current = await current_app_body(tx, profile, app_id)
    if current is None:
        raise problems.NothingToRenew(f"{app_id} was never published in the tree {profile}.", profile=profile)
    checked: Targets = await check_body(core, tx, profile=profile, app_id=app_id, body=body)
    wanted = {} if kind == ARCHIVE else current.targets
    if checked.targets != wanted:
        raise NotARenewal(
            "A renewal lists the very targets of the published role, and archiving none. Sign it with "
            "`sampan publish --renew`.",
            profile=profile,
        )


async def _sign_trial(core: Core, tx: Transaction, candidate: Candidate, body: bytes) -> None:
    await countersign(core, tx, profile=TRIAL.name, app_id=candidate.app_id, body=body, actor=system_actor("intake"))
    await candidates.mark_countersigned(tx, candidate.id, TRIAL.name)


async def _for_review(tx: Transaction, actor: Actor, app_id: str, renewal_id: str) -> tuple[App, Candidate, list[Body]]:
    app = await visible_app(tx, actor, app_id, REVIEW)
    candidate = await _find(tx, app_id, renewal_id)
    return app, candidate, await candidates.bodies_of(tx, [renewal_id])


async def _find(tx: Transaction, app_id: str, renewal_id: str) -> Candidate:
    candidate = await candidates.find_candidate(tx, renewal_id)
    if candidate is None or candidate.app_id != app_id or candidate.kind not in KINDS:
        raise problems.RenewalUnknown(f"{app_id} has no renewal {renewal_id[:40]!r}.")
    return candidate
