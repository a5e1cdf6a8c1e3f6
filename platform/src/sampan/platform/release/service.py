"""Use cases of releases. What makes production riskier goes through a change request; what makes it safer does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from sampan.offline_packages.control import Control, Killed, Rollback
from sampan.offline_packages.roles import CONTROL_ROLE
from sampan.platform.audience.problems import BadRule
from sampan.platform.audience.references import checked_rule
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.outbox import emit
from sampan.platform.errors import Conflict, Invalid
from sampan.platform.ids import new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.changes import Change, propose, propose_in
from sampan.platform.release.deliverables import Deliverable, DeliverableKind
from sampan.platform.release.freezes import list_freezes
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.judging import NOTHING, evidence_before
from sampan.platform.release.looks_rows import promise_look
from sampan.platform.release.repository import (
    Release,
    add_release,
    change_release,
    get_release,
    mark_exposed,
    offering_releases,
)
from sampan.platform.release.schedule import ALWAYS, frozen_by, read_schedule
from sampan.platform.release.schedule import written as written_schedule
from sampan.platform.release.snapshot import PART
from sampan.platform.release.stages import EVERYBODY, Stage, is_watched, read_stages, rule_in, written
from sampan.platform.release.states import ReleaseState, move
from sampan.platform.trust.profiles import INTL
from sampan.platform.trust.service import change_control, exposed_controls
from sampan.platform.workspaces.revisions import raise_revision

UPDATE_MODES = ("async", "sync")


class UnknownDeliverableKind(Invalid):
    """No component rolls out this kind of thing."""

    code = "unknown_deliverable_kind"


class NotReleasable(Conflict):
    """The version does not exist, is not published or was killed."""

    code = "not_releasable"
    field = "sequence"


class BadUpdateMode(Invalid):
    """Not one of the update modes."""

    code = "bad_update_mode"


class BadRollbackTarget(Invalid):
    """The target is no published lower version of the same deliverable."""

    code = "bad_rollback_target"


class NoSuchStage(Conflict):
    """The release has no stage in that direction."""

    code = "no_such_stage"


class Frozen(Conflict):
    """The calendar of the workspace holds everything back now that would reach more people."""

    code = "release_frozen"


class NoRollbackTarget(Conflict):
    """The release was approved without a version to go back to."""

    code = "no_rollback_target"


@dataclass(frozen=True, slots=True)
class Draft:
    """What an operator fills in. `audience` is a rule; `client_app` None means every client app.

    `stages` and `schedule` are as people write them (`stages.py`, `schedule.py`).
    """

    kind: str
    deliverable_id: str
    sequence: int
    audience: Mapping[str, Any]
    client_app: str | None = None
    update_mode: str = "async"
    rollback_to: int | None = None
    stages: object = field(default_factory=lambda: written(EVERYBODY))
    schedule: object = field(default_factory=dict)


async def create_release(core: Core, workspace_id: str, actor: Actor, draft: Draft) -> Release:
    """Create a draft of a release; any published version may be released, also again."""
    actor.require("release:create", app=draft.deliverable_id)
    stages = read_stages(draft.stages)
    read_schedule(draft.schedule)
    if draft.update_mode not in UPDATE_MODES:
        raise BadUpdateMode(f"The update mode is one of {', '.join(UPDATE_MODES)}.", field="update_mode")
    async with core.store.workspace(workspace_id).write() as tx:
        await _check_audiences(tx, draft, stages)
        deliverable = await _releasable(core, tx, draft.kind, draft.deliverable_id, draft.sequence)
        if draft.rollback_to is not None:
            await _check_rollback_target(core, tx, draft)
        release = _new_release(draft, deliverable, actor, core.now_ms())
        await add_release(tx, release)
        await _record(core, tx, actor, "release.created", release, {"version": release.version})
    return release


async def _check_audiences(tx: Transaction, draft: Draft, stages: Sequence[Stage]) -> None:
    """Raise a `BadRule` that names the audience, or the stage whose own audience is wrong."""
    await checked_rule(tx, draft.audience)
    for number, stage in enumerate(stages):
        try:
            if stage.audience is not None:
                await checked_rule(tx, stage.audience)
            await checked_rule(tx, rule_in(draft.audience, stage))
        except BadRule as problem:
            problem.facts["field"] = f"stages[{number}].audience"
            raise


async def submit_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, note: str = "") -> Change:
    """Propose to run a draft: a second person approves exactly this payload, and approval starts it."""
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        actor.require("release:submit", app=release.deliverable_id)
        release = await _to(core, tx, actor, release, "submit", cause=note)
        return await propose_in(
            core, tx, actor, kind="release.start", target=release.id, payload=_start_payload(release), note=note
        )


async def apply_start(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    """Start the release that a change request describes; runs in the approving transaction."""
    release = await get_release(tx, change.target)
    deliverable = await _releasable(core, tx, release.kind, release.deliverable_id, release.sequence)
    if deliverable.digest != release.digest:
        raise NotReleasable("The version's bytes are not those that were proposed; make a new release.")
    release = await _to(core, tx, actor, release, "approve", cause="")
    await _refuse_in_a_freeze(core, tx)
    before = await evidence_before(tx, release)
    release = await _to(core, tx, actor, release, "start", cause="", before=before)
    await _took_effect(core, tx, actor, release)
    await watch(core, tx, release)


async def move_on(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str = "") -> Release:
    """Go to the next stage of the approved plan; one person may."""
    return await _go_to_stage(core, workspace_id, actor, release_id, "move_on", "release:submit", +1, cause)


async def narrow(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str) -> Release:
    """Go back to the stage before; who has the version keeps it, others are offered it no longer. One person may."""
    return await _go_to_stage(core, workspace_id, actor, release_id, "narrow", "release:stop", -1, cause)


async def _go_to_stage(
    core: Core, workspace_id: str, actor: Actor, release_id: str, verb: str, permission: str, by: int, cause: str
) -> Release:
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        actor.require(permission, app=release.deliverable_id)
        move(release.state, verb)
        if verb == "move_on":
            await _refuse_in_a_freeze(core, tx)
        return await go_to_stage(core, tx, actor, release, verb, by, cause=cause)


async def _refuse_in_a_freeze(core: Core, tx: Transaction) -> None:
    now_ms = core.now_ms()
    freeze = frozen_by(await list_freezes(tx, now_ms=now_ms), now_ms)
    if freeze is not None:
        facts = {"freeze": freeze.id, "until_ms": freeze.until_ms}
        raise Frozen(f"Nothing starts or moves on in a freeze: {freeze.reason}. Wait, or end the freeze.", **facts)


async def hold_release(core: Core, tx: Transaction, actor: Actor, release: Release, *, cause: str) -> None:
    """Make no new offers of a running release for now."""
    await _took_effect(core, tx, actor, await _to(core, tx, actor, release, "pause", cause=cause))


async def go_to_stage(
    core: Core, tx: Transaction, actor: Actor, release: Release, verb: str, by: int, *, cause: str
) -> Release:
    """Take a running release to the stage beside the present one; raise `NoSuchStage` at either end."""
    stage = release.stage + by
    if not 0 <= stage < len(release.stages):
        raise NoSuchStage("There is no further stage in this direction; complete or stop the release instead.")
    release = await _to(core, tx, actor, release, verb, cause=cause, stage=stage)
    await _took_effect(core, tx, actor, release)
    await watch(core, tx, release)
    return release


async def watch(core: Core, tx: Transaction, release: Release) -> None:
    """Have the release looked at again soon, unless neither a gate nor time can do anything to it any more."""
    if release.state is ReleaseState.RUNNING and is_watched(release.stages, release.stage):
        await promise_look(tx, release.id, now_ms=core.now_ms())


async def on_tree_published(_core: Core, tx: Transaction, profile: str, roles: dict[str, int]) -> None:
    """Begin to offer what the control files that became visible let devices take."""
    if profile == INTL.name and CONTROL_ROLE in roles:
        await mark_exposed(tx, await exposed_controls(tx, profile, roles[CONTROL_ROLE]))
        await raise_revision(tx, PART)


async def send_back(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    """Return a rejected or withdrawn release to its draft."""
    release = await get_release(tx, change.target)
    if release.state is ReleaseState.SUBMITTED:
        await _to(core, tx, actor, release, "send_back", cause=change.note)


async def pause_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str) -> Release:
    """Stop new offers for now; one person may, and resuming takes two."""
    return await _lower(core, workspace_id, actor, release_id, "pause", "release:stop", cause)


async def complete_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str = "") -> Release:
    """Mark a rollout as done; it keeps offering."""
    return await _lower(core, workspace_id, actor, release_id, "complete", "release:submit", cause)


async def stop_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str) -> Release:
    """End a release for good; what is installed stays."""
    return await _lower(core, workspace_id, actor, release_id, "stop", "release:stop", cause)


async def propose_resume(core: Core, workspace_id: str, actor: Actor, release_id: str, *, note: str = "") -> Change:
    """Propose to go on with a paused release."""
    async with core.store.workspace(workspace_id).read() as tx:
        release = await get_release(tx, release_id)
    actor.require("release:submit", app=release.deliverable_id)
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
    await _refuse_in_a_freeze(core, tx)
    await _releasable(core, tx, release.kind, release.deliverable_id, release.sequence)
    await _took_effect(core, tx, actor, await _to(core, tx, actor, release, "resume", cause=change.note))
    await watch(core, tx, await get_release(tx, release.id))


async def roll_back_release(core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str) -> Release:
    """Take devices back to the version that was approved together with the release; one person may.

    The target gets a release of its own for the same audience, because nothing else might offer it.
    """
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        actor.require("release:stop", app=release.deliverable_id)
        if release.rollback_to is None:
            raise NoRollbackTarget(
                "This release was approved without a version to go back to; stop or kill it instead."
            )
        target = await _releasable(core, tx, release.kind, release.deliverable_id, release.rollback_to)
        release = await _to(core, tx, actor, release, "roll_back", cause=cause)
        back = _release_of_target(release, target, actor, core.now_ms())
        await add_release(tx, back)
        await _record(core, tx, actor, "release.running", back, {"cause": back.cause})
        await _took_effect(core, tx, actor, release, back=target)
    return release


async def kill_version(
    core: Core,
    workspace_id: str,
    actor: Actor,
    *,
    kind: str,
    deliverable_id: str,
    sequence: int,
    reason: str,
    cause: str,
) -> None:
    """Forbid a published version on every device after its next contact; it neither installs nor opens again."""
    actor.require("release:kill", app=deliverable_id)
    found = _kind(core, kind)
    async with core.store.workspace(workspace_id).write() as tx:
        deliverable = await _releasable(core, tx, kind, deliverable_id, sequence)
        await found.kill(core, tx, deliverable_id, sequence, reason, actor, cause)
        for release in await offering_releases(tx, deliverable_id=deliverable_id):
            if release.kind == kind and release.sequence == sequence:
                await _to(core, tx, actor, release, "stop", cause=cause)
        entry = Killed(sequence=sequence, digest=deliverable.digest, code=reason)
        await _write_control(core, tx, actor, found, deliverable_id, killed=entry)
        await raise_revision(tx, PART)
        detail = {"sequence": sequence, "digest": deliverable.digest, "reason": reason, "cause": cause}
        await audit.record(
            tx, actor, "version.killed", target=f"{kind}/{deliverable_id}", detail=detail, now_ms=core.now_ms()
        )
        await emit(tx, "version.killed", {"kind": kind, "id": deliverable_id, **detail}, now_ms=core.now_ms())


async def _lower(
    core: Core, workspace_id: str, actor: Actor, release_id: str, verb: str, permission: str, cause: str
) -> Release:
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        actor.require(permission, app=release.deliverable_id)
        release = await _to(core, tx, actor, release, verb, cause=cause)
        await _took_effect(core, tx, actor, release)
    return release


async def _to(
    core: Core,
    tx: Transaction,
    actor: Actor,
    release: Release,
    verb: str,
    *,
    cause: str,
    stage: int | None = None,
    before: Evidence | None = None,
) -> Release:
    state = move(release.state, verb)
    changed = await change_release(
        tx,
        release,
        state=state,
        cause=cause,
        made_by=actor.person_id,
        now_ms=core.now_ms(),
        stage=stage,
        before=before,
    )
    action = f"release.{state}" if stage is None else f"release.{verb}"
    await _record(core, tx, actor, action, changed, {"cause": cause, "stage": changed.stage})
    return changed


async def _took_effect(
    core: Core, tx: Transaction, actor: Actor, release: Release, *, back: Deliverable | None = None
) -> None:
    """Bring control and the snapshot in line with what offers now, in the transaction that changed it."""
    rollback = None
    if back is not None:
        rollback = Rollback(from_=release.sequence, to=back.sequence, digest=back.digest, serial="")
    await _write_control(core, tx, actor, _kind(core, release.kind), release.deliverable_id, rollback=rollback)
    await raise_revision(tx, PART)
    facts = {"release": release.id, "kind": release.kind, "id": release.deliverable_id, "sequence": release.sequence}
    await emit(tx, f"release.{release.state}", facts, now_ms=core.now_ms())


async def _write_control(
    core: Core,
    tx: Transaction,
    actor: Actor,
    kind: DeliverableKind,
    deliverable_id: str,
    *,
    killed: Killed | None = None,
    rollback: Rollback | None = None,
) -> None:
    if not kind.is_controlled:
        await mark_exposed(tx, [deliverable_id])
        return
    offering = {
        release.sequence
        for release in await offering_releases(tx, deliverable_id=deliverable_id)
        if release.kind == kind.name
    }

    def revise(control: Control) -> Control:
        kills = (*control.killed, killed) if killed else control.killed
        backs = control.rollback
        if rollback:
            entry = msgspec.structs.replace(rollback, serial=control.serial)
            backs = (*(old for old in backs if (old.from_, old.to) != (entry.from_, entry.to)), entry)
        dead = {entry.sequence for entry in kills}
        alive = (offering | {entry.to for entry in backs}) - dead
        backs = tuple(entry for entry in backs if entry.to not in dead)
        return msgspec.structs.replace(control, offerable=tuple(sorted(alive)), killed=kills, rollback=backs)

    await change_control(core, tx, deliverable_id, revise, actor)


async def _releasable(core: Core, tx: Transaction, kind: str, deliverable_id: str, sequence: int) -> Deliverable:
    found = await _kind(core, kind).find(tx, [(deliverable_id, sequence)])
    deliverable = found.get((deliverable_id, sequence))
    if deliverable is None:
        raise NotReleasable(
            f"{deliverable_id} has no published version with sequence {sequence}, or it was killed; publish one first."
        )
    return deliverable


async def _check_rollback_target(core: Core, tx: Transaction, draft: Draft) -> None:
    target = draft.rollback_to
    if target is None or target >= draft.sequence:
        raise BadRollbackTarget("A roll-back goes to a lower sequence than the release's.", field="rollback_to")
    try:
        await _releasable(core, tx, draft.kind, draft.deliverable_id, target)
    except NotReleasable as problem:
        raise BadRollbackTarget(problem.detail, field="rollback_to") from problem


def _kind(core: Core, name: str) -> DeliverableKind:
    for kind in core.contributions(DeliverableKind):
        if kind.name == name:
            return kind
    names = sorted(kind.name for kind in core.contributions(DeliverableKind))
    raise UnknownDeliverableKind(f"There is no deliverable kind {name!r}; there are {names}.", field="kind")


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
    }


def _new_release(draft: Draft, deliverable: Deliverable, actor: Actor, now_ms: int) -> Release:
    return Release(
        id=new_id("rel"),
        kind=draft.kind,
        deliverable_id=draft.deliverable_id,
        sequence=draft.sequence,
        version=deliverable.version,
        digest=deliverable.digest,
        size_bytes=deliverable.size_bytes,
        min_host=deliverable.min_host,
        url=deliverable.url,
        client_app=draft.client_app,
        audience=draft.audience,
        stages=read_stages(draft.stages),
        stage=0,
        stage_since_ms=0,
        started_ms=0,
        judged_from_ms=0,
        schedule=read_schedule(draft.schedule),
        before=NOTHING,
        update_mode=draft.update_mode,
        rollback_to=draft.rollback_to,
        state=ReleaseState.DRAFT,
        is_exposed=False,
        cause="",
        row_revision=1,
        made_by=actor.person_id,
        created_ms=now_ms,
        changed_ms=now_ms,
    )


def _release_of_target(rolled_back: Release, target: Deliverable, actor: Actor, now_ms: int) -> Release:
    return replace(
        rolled_back,
        id=new_id("rel"),
        sequence=target.sequence,
        version=target.version,
        digest=target.digest,
        size_bytes=target.size_bytes,
        min_host=target.min_host,
        url=target.url,
        stages=EVERYBODY,  # the places of a percentage are another release's
        stage=0,
        stage_since_ms=now_ms,
        started_ms=now_ms,
        judged_from_ms=now_ms,
        schedule=ALWAYS,
        before=NOTHING,
        rollback_to=None,
        state=ReleaseState.RUNNING,
        is_exposed=False,
        cause=f"roll-back of {rolled_back.id}",
        row_revision=1,
        made_by=actor.person_id,
        created_ms=now_ms,
        changed_ms=now_ms,
    )


async def _record(
    core: Core, tx: Transaction, actor: Actor, action: str, release: Release, detail: Mapping[str, Any]
) -> None:
    facts = {"id": release.deliverable_id, "sequence": release.sequence, **detail}
    await audit.record(tx, actor, action, target=release.id, detail=facts, now_ms=core.now_ms())
