"""Candidates without a package: an app's role for one more year, or the empty role of an app that is archived."""

from collections.abc import Mapping, Sequence
from functools import partial

from tuf.api.metadata import Targets

from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import problems
from sampan.platform.artifacts.admitting import new_candidate
from sampan.platform.artifacts.apps_service import visible_app
from sampan.platform.artifacts.bodies import make_body, review_digest
from sampan.platform.artifacts.body_reviews import approve_bodies, put_under_review, reject_bodies
from sampan.platform.artifacts.candidates_repository import ARCHIVE, RENEWAL, Body, Candidate
from sampan.platform.artifacts.moves import REVIEWED_PROFILES, move
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Paging
from sampan.platform.errors import Invalid
from sampan.platform.ids import new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor, system_actor
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
        signed = [make_body(candidate.id, profile, body) for profile, body in bodies.items()]
        await put_under_review(core, tx, actor, candidate, signed)
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
    find = partial(_find, app_id=app_id, renewal_id=renewal_id)
    return await approve_bodies(core, workspace_id, actor, app_id, find, _digest, seen=digest)


async def reject_renewal(
    core: Core, workspace_id: str, actor: Actor, app_id: str, renewal_id: str, *, digest: str, comment: str
) -> Candidate:
    """Refuse a renewal; the role stays as it is and expires when it said."""
    find = partial(_find, app_id=app_id, renewal_id=renewal_id)
    return await reject_bodies(core, workspace_id, actor, app_id, find, _digest, seen=digest, note=comment)


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


def renewal_digest(candidate: Candidate, bodies: Sequence[Body]) -> str:
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


async def _digest(_tx: Transaction, candidate: Candidate, bodies: Sequence[Body]) -> str:
    return renewal_digest(candidate, bodies)


async def _find(tx: Transaction, app_id: str, renewal_id: str) -> Candidate:
    candidate = await candidates.find_candidate(tx, renewal_id)
    if candidate is None or candidate.app_id != app_id or candidate.kind not in KINDS:
        raise problems.RenewalUnknown(f"{app_id} has no renewal {renewal_id[:40]!r}.")
    return candidate
