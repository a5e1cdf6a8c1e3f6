"""Candidates that are signed bodies without a package of their own: put under review, approved, rejected.

A renewal is one, a hotfix another. Who they are and what an approval of them names is the caller's to say.
"""

from collections.abc import Awaitable, Callable, Sequence

from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts.approving import (
    REVIEW,
    check_in_review,
    check_no_bond,
    check_reviewer,
    decide,
    sign_and_approve,
)
from sampan.platform.artifacts.apps_service import visible_app
from sampan.platform.artifacts.candidates_repository import Body, Candidate
from sampan.platform.artifacts.moves import QUEUE, move, note_state
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.body_checks import BaseMoved

S = VersionState
Find = Callable[[Transaction], Awaitable[Candidate]]
DigestOf = Callable[[Transaction, Candidate, Sequence[Body]], Awaitable[str]]


async def put_under_review(
    core: Core, tx: Transaction, actor: Actor, candidate: Candidate, bodies: Sequence[Body]
) -> None:
    """Store a candidate that is `in_review` from the start, with its bodies."""
    await candidates.insert_candidate(tx, candidate)
    for body in bodies:
        await candidates.put_body(tx, body, now_ms=candidate.submitted_ms)
    await note_state(core, tx, candidate, candidate.state, cause=candidate.cause, actor=actor)


async def approve_bodies(
    core: Core, workspace_id: str, actor: Actor, app_id: str, find: Find, digest_of: DigestOf, *, seen: str
) -> Candidate:
    """Countersign exactly the bodies that were seen; when their base has moved, they must be signed anew.

    Raises what approving a version raises.
    """
    try:
        async with core.store.workspace(workspace_id).write() as tx:
            app = await visible_app(tx, actor, app_id, REVIEW)
            candidate = await find(tx)
            bodies = await candidates.bodies_of(tx, [candidate.id])
            check_in_review(candidate, seen=seen, present=await digest_of(tx, candidate, bodies))
            check_reviewer(actor, app, candidate)
            await check_no_bond(core, tx, actor, candidate)
            await sign_and_approve(core, tx, actor, candidate, bodies)
            detail = {"candidate": candidate.id, "review": seen}
            await audit.record(
                tx, actor, f"app.{candidate.kind}_approve", target=app_id, detail=detail, now_ms=core.now_ms()
            )
            return await find(tx)
    except BaseMoved:
        async with core.store.workspace(workspace_id).write() as tx:
            moved = await find(tx)
            if moved.state is S.IN_REVIEW:
                await move(core, tx, moved, S.NEEDS_SIGNATURE, cause="base_moved", actor=QUEUE)
        raise


async def reject_bodies(
    core: Core, workspace_id: str, actor: Actor, app_id: str, find: Find, digest_of: DigestOf, *, seen: str, note: str
) -> Candidate:
    """Refuse a candidate for good, and say why."""
    async with core.store.workspace(workspace_id).write() as tx:
        app = await visible_app(tx, actor, app_id, REVIEW)
        candidate = await find(tx)
        check_reviewer(actor, app, candidate)
        bodies = await candidates.bodies_of(tx, [candidate.id])
        check_in_review(candidate, seen=seen, present=await digest_of(tx, candidate, bodies))
        await decide(core, tx, actor, candidate, S.REJECTED, cause="rejected", note=note)
        detail = {"candidate": candidate.id}
        await audit.record(
            tx, actor, f"app.{candidate.kind}_reject", target=app_id, detail=detail, now_ms=core.now_ms()
        )
        return await find(tx)
