"""Starting and resuming releases: proposed by one person, applied when a second one approves."""

from typing import Any

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import SampanError
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.changes import Change, propose, propose_in
from sampan.platform.release import caps, client_rules
from sampan.platform.release.cap_rows import open_places
from sampan.platform.release.checking import Asked, conflicts_of, reach_of
from sampan.platform.release.conflicts import refuse
from sampan.platform.release.deliverables import app_of
from sampan.platform.release.freezes import list_freezes
from sampan.platform.release.judging import evidence_before
from sampan.platform.release.looks_rows import promise_look
from sampan.platform.release.moves import refuse_in_a_freeze, watch
from sampan.platform.release.releasable import NotReleasable, check_plan, kind_of, releasable
from sampan.platform.release.repository import Release, get_release
from sampan.platform.release.schedule import is_open, is_over
from sampan.platform.release.schedule import written as written_schedule
from sampan.platform.release.stages import written
from sampan.platform.release.states import ReleaseState, move
from sampan.platform.release.taking_effect import tell, took_effect
from sampan.platform.release.transitions import change_state

NO_LONGER = "the version can be released no longer"


async def submit_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, note: str = "") -> Change:
    """Propose to run a draft: a second person approves exactly this payload, and approval starts it.

    Raises `ReleaseConflict` with everything that certainly speaks against it.
    """
    async with core.store.workspace(workspace_id).read() as tx:
        draft = await get_release(tx, release_id)
    actor.require("release:submit", app=app_of(draft.deliverable_id))
    move(draft.state, "submit")
    reached = await reach_of(core, workspace_id, draft, Asked(core, workspace_id, actor, draft.id))
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        refuse(await conflicts_of(core, tx, release, reached if release == draft else None))
        release = await change_state(core, tx, actor, release, "submit", cause=note)
        payload = _start_payload(release) | {"content": await _content(core, tx, release)}
        payload["rollback"] = await _way_back(core, tx, release)
        return await propose_in(core, tx, actor, kind="release.start", target=release.id, payload=payload, note=note)


async def apply_start(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    """Start the release that a change request describes, or let it wait until its schedule opens.

    Runs in the approving transaction.
    """
    release = await get_release(tx, change.target)
    deliverable = await releasable(core, tx, release.kind, release.deliverable_id, release.sequence)
    if deliverable.digest != release.digest:
        raise NotReleasable("The version's bytes are not those that were proposed; make a new release.")
    await _check_kind(core, tx, actor, release)
    refuse(await conflicts_of(core, tx, release, None))
    release = await change_state(core, tx, actor, release, "approve", cause="")
    await refuse_in_a_freeze(core, tx)
    if is_open(release.schedule, (), core.now_ms()):
        await begin(core, tx, actor, release)
    else:
        await promise_look(tx, release.id, now_ms=core.now_ms())


async def begin_when_open(core: Core, tx: Transaction, actor: Actor, release: Release) -> None:
    """Start an approved release as soon as its schedule and the calendar allow it; stop it if it cannot go any more.

    It can go no more when an approval would be refused now; what conflicts with it counts when it would start.
    """
    now_ms = core.now_ms()
    is_due = is_open(release.schedule, await list_freezes(tx, now_ms=now_ms), now_ms)
    cause = await _why_never(core, tx, release, is_due=is_due)
    if cause:
        await tell(core, tx, await change_state(core, tx, actor, release, "stop", cause=cause))
    elif is_due:
        await begin(core, tx, actor, release)
    else:
        await promise_look(tx, release.id, now_ms=now_ms)


async def _why_never(core: Core, tx: Transaction, release: Release, *, is_due: bool) -> str:
    """Return what stands against a release that was approved before; empty: nothing."""
    try:
        deliverable = await releasable(core, tx, release.kind, release.deliverable_id, release.sequence)
    except NotReleasable:
        return NO_LONGER
    if deliverable.digest != release.digest:
        return NO_LONGER
    if is_over(release.schedule, core.now_ms()):
        return "its schedule ended before it could start"
    try:
        await check_plan(core, tx, release)
        refuse(await conflicts_of(core, tx, release, None) if is_due else [])
    except SampanError as problem:
        return problem.detail
    return ""


async def begin(core: Core, tx: Transaction, actor: Actor, release: Release) -> None:
    """Make an approved release run, and offer."""
    before = await evidence_before(tx, release)
    release = await change_state(core, tx, actor, release, "start", cause="", before=before)
    if release.cap is not None:
        await open_places(tx, release.id, release.cap)
    await took_effect(core, tx, actor, release)
    await watch(core, tx, release)


async def send_back(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    """Return a rejected or withdrawn release to its draft."""
    release = await get_release(tx, change.target)
    if release.state is ReleaseState.SUBMITTED:
        await change_state(core, tx, actor, release, "send_back", cause=change.note)


async def propose_resume(core: Core, workspace_id: str, actor: Actor, release_id: str, *, note: str = "") -> Change:
    """Propose to go on with a paused release."""
    async with core.store.workspace(workspace_id).read() as tx:
        release = await get_release(tx, release_id)
    actor.require("release:submit", app=app_of(release.deliverable_id))
    move(release.state, "resume")
    return await propose(
        core,
        workspace_id,
        actor,
        kind="release.resume",
        target=release.id,
        payload={"release": release.id, "id": release.deliverable_id, "version": release.version},
        note=note,
    )


async def apply_resume(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    """Resume the release that a change request names; what its gate saw before judges it no longer."""
    release = await get_release(tx, change.target)
    await refuse_in_a_freeze(core, tx)
    await releasable(core, tx, release.kind, release.deliverable_id, release.sequence)
    await _check_kind(core, tx, actor, release)
    await took_effect(core, tx, actor, await change_state(core, tx, actor, release, "resume", cause=change.note))
    await watch(core, tx, await get_release(tx, release.id))


async def _check_kind(core: Core, tx: Transaction, actor: Actor, release: Release) -> None:
    """Raise what the deliverable's kind has against this release, or against this approver."""
    await check_plan(core, tx, release)
    if approve := kind_of(core, release.kind).approve:
        actor.require(approve, app=app_of(release.deliverable_id))


async def _content(core: Core, tx: Transaction, release: Release) -> list[dict[str, Any]]:
    """Return what approvers read of the version itself, where its kind has more to say than its number."""
    lines = kind_of(core, release.kind).lines
    return [] if lines is None else [line.as_json() for line in await lines(tx, release)]


async def _way_back(core: Core, tx: Transaction, release: Release) -> dict[str, Any] | None:
    """Return exactly what one person may roll back to once this is approved."""
    if release.rollback_to is None:
        return None
    kind = kind_of(core, release.kind)
    target = await releasable(core, tx, release.kind, release.deliverable_id, release.rollback_to)
    content = [] if kind.back_lines is None else await kind.back_lines(tx, release.deliverable_id, target.sequence)
    return {
        "version": target.version,
        "digest": release.rollback_digest,
        "content": [line.as_json() for line in content],
    }


def _start_payload(release: Release) -> dict[str, Any]:
    return {
        "release": release.id,
        "kind": release.kind,
        "id": release.deliverable_id,
        "sequence": release.sequence,
        "version": release.version,
        "digest": release.digest,
        "audience": dict(release.audience),
        "stages": written(release.stages),
        "schedule": written_schedule(release.schedule),
        "client_app": release.client_app,
        "update_mode": release.update_mode,
        "rollback_to": release.rollback_to,
        "cap": caps.written(release.cap),
        "client_rules": client_rules.written(release.client_rules),
    }
