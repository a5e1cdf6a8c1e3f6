"""The second pair of eyes: who may approve what, and the review key's signature under exactly the bytes they saw."""

from collections.abc import Sequence

from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts.apps_repository import App
from sampan.platform.artifacts.candidates_repository import Body, Candidate
from sampan.platform.artifacts.moves import REVIEWED_PROFILES, move
from sampan.platform.artifacts.problems import OwnPublisher, ReviewStale
from sampan.platform.artifacts.states import StateForbids, VersionState
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor, ActorKind
from sampan.platform.operators.change_errors import BondedPair, MachinesNeverApprove, SamePerson
from sampan.platform.operators.operator_rows import bonded_until_ms
from sampan.platform.trust.countersigning import countersign

REVIEW = "version:review"


def check_reviewer(actor: Actor, app: App, candidate: Candidate) -> None:
    """Raise unless the actor is a signed-in person who neither made this nor works for its publisher."""
    if actor.kind != ActorKind.OPERATOR:
        raise MachinesNeverApprove("Only a person who is signed in reviews. Sign in and decide there.")
    if actor.person_id in (candidate.submitted_person_id, candidate.signed_person_id):
        raise SamePerson("You sent or signed this yourself. Another person has to approve it.")
    if any(grant.publisher == app.publisher_id for grant in actor.grants):
        raise OwnPublisher("You work for the publisher of this app. Somebody of the bank has to approve it.")


async def check_no_bond(core: Core, tx: Transaction, actor: Actor, candidate: Candidate) -> None:
    """Raise `BondedPair` when maker and checker made or changed each other's account lately."""
    makers = sorted({candidate.submitted_person_id, candidate.signed_person_id})
    until_ms = await bonded_until_ms(tx, actor.person_id, makers, now_ms=core.now_ms())
    if until_ms is not None:
        raise BondedPair(
            "One of you created, elevated or reset the other's account less than seven days ago. "
            "Let another person approve this.",
            until_ms=until_ms,
        )


def check_in_review(candidate: Candidate, *, seen: str, present: str) -> None:
    """Raise unless the candidate is under review with exactly what the reviewer saw."""
    if candidate.state is not VersionState.IN_REVIEW:
        raise StateForbids(
            f"It is {candidate.state} ({candidate.cause}), so there is nothing to decide now.",
            state=candidate.state.value,
        )
    if seen != present:
        raise ReviewStale("It is not what you saw any more. Look at it again, then decide.", digest=present)


async def sign_and_approve(
    core: Core, tx: Transaction, actor: Actor, candidate: Candidate, bodies: Sequence[Body]
) -> None:
    """Countersign every reviewed body and mark the candidate approved; the publisher job makes it visible."""
    for body in bodies:
        if body.profile in REVIEWED_PROFILES:
            await countersign(core, tx, profile=body.profile, app_id=candidate.app_id, body=body.body, actor=actor)
            await candidates.mark_countersigned(tx, candidate.id, body.profile)
    await decide(core, tx, actor, candidate, VersionState.APPROVED, cause="approved")


async def decide(
    core: Core,
    tx: Transaction,
    actor: Actor,
    candidate: Candidate,
    state: VersionState,
    *,
    cause: str,
    note: str = "",
) -> None:
    """Write a reviewer's decision."""
    await move(
        core,
        tx,
        candidate,
        state,
        cause=cause,
        actor=actor,
        note=note,
        decided_ms=core.now_ms(),
        decided_by=actor.label,
        decided_person_id=actor.person_id,
    )
