"""Drafts of releases: what an operator fills in, checked and kept. Nothing outside the console changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sampan.platform.audience.problems import BadRule
from sampan.platform.audience.references import checked_rule
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Invalid
from sampan.platform.ids import new_id
from sampan.platform.insight.event_types import require_of_versions
from sampan.platform.operators.actor import Actor
from sampan.platform.release import caps, client_rules
from sampan.platform.release.caps import read_cap
from sampan.platform.release.client_rules import read_client_rules
from sampan.platform.release.deliverables import Deliverable, app_of
from sampan.platform.release.judging import NOTHING
from sampan.platform.release.releasable import NotReleasable, check_plan, releasable
from sampan.platform.release.repository import Release, ReleaseMoved, add_release, get_release, rewrite_draft
from sampan.platform.release.schedule import read_schedule
from sampan.platform.release.schedule import written as written_schedule
from sampan.platform.release.stages import EVERYBODY, Stage, event_types_in, read_stages, rule_in, written
from sampan.platform.release.states import ReleaseState, WrongReleaseState
from sampan.platform.release.transitions import record

UPDATE_MODES = ("async", "sync")


class BadUpdateMode(Invalid):
    """Not one of the update modes."""

    code = "bad_update_mode"


class BadRollbackTarget(Invalid):
    """The target is no published lower version of the same deliverable."""

    code = "bad_rollback_target"


@dataclass(frozen=True, slots=True)
class Draft:
    """What an operator fills in. `audience` is a rule; `client_app` None means every client app.

    `stages`, `schedule`, `cap` and `client_rules` are as people write them (`stages.py`, `schedule.py`, `caps.py`,
    `client_rules.py`).
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
    cap: object = None
    client_rules: object = None


async def create_release(core: Core, workspace_id: str, actor: Actor, draft: Draft) -> Release:
    """Create a draft of a release; any published version may be released, also again."""
    actor.require("release:create", app=app_of(draft.deliverable_id))
    async with core.store.workspace(workspace_id).write() as tx:
        release = await checked(core, tx, actor, draft)
        await add_release(tx, release)
        await record(core, tx, actor, "release.created", release, {"version": release.version})
    return release


async def edit_release(
    core: Core, workspace_id: str, actor: Actor, release_id: str, edited: Callable[[Draft], Draft], *, seen_ms: int
) -> Release:
    """Put `edited` of what a draft says in its place; it stays a release of the same deliverable.

    `seen_ms` is its `changed_ms` when it was read. Raises `WrongReleaseState` when it is no draft any more,
    `ReleaseMoved` when it was changed since, and whatever making it anew would raise.
    """
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        actor.require("release:create", app=app_of(release.deliverable_id))
        if release.state is not ReleaseState.DRAFT:
            raise WrongReleaseState(
                f"A release that is {release.state} cannot be edited. Have it sent back, or make a new one.",
                state=release.state,
            )
        if release.changed_ms != seen_ms:
            raise ReleaseMoved(
                "Somebody changed the draft since you read it. Read it again, then change it.",
                changed_ms=release.changed_ms,
            )
        changed = await checked(core, tx, actor, edited(draft_of(release)))
        release = await rewrite_draft(tx, release, changed)
        await record(core, tx, actor, "release.edited", release, {"version": release.version})
    return release


def draft_of(release: Release) -> Draft:
    """Return what a person would fill in to get this release."""
    return Draft(
        release.kind,
        release.deliverable_id,
        release.sequence,
        release.audience,
        client_app=release.client_app,
        update_mode=release.update_mode,
        rollback_to=release.rollback_to,
        stages=written(release.stages),
        schedule=written_schedule(release.schedule),
        cap=caps.written(release.cap),
        client_rules=client_rules.written(release.client_rules),
    )


async def checked(core: Core, tx: Transaction, actor: Actor, draft: Draft) -> Release:
    """Return the release that a draft describes; raise the first thing that is wrong with it."""
    stages = read_stages(draft.stages)
    require_of_versions(core, event_types_in(stages))
    if draft.update_mode not in UPDATE_MODES:
        raise BadUpdateMode(f"The update mode is one of {', '.join(UPDATE_MODES)}.", field="update_mode")
    await _check_audiences(tx, draft, stages)
    deliverable = await releasable(core, tx, draft.kind, draft.deliverable_id, draft.sequence)
    rollback_digest = "" if draft.rollback_to is None else await _rollback_digest(core, tx, draft, draft.rollback_to)
    release = _new_release(draft, deliverable, rollback_digest, actor, core.now_ms())
    await check_plan(core, tx, release)
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


async def _rollback_digest(core: Core, tx: Transaction, draft: Draft, target: int) -> str:
    """Return what exactly is approved as the version to go back to; raise `BadRollbackTarget`."""
    if target >= draft.sequence:
        raise BadRollbackTarget("A roll-back goes to a lower sequence than the release's.", field="rollback_to")
    try:
        return (await releasable(core, tx, draft.kind, draft.deliverable_id, target)).digest
    except NotReleasable as problem:
        raise BadRollbackTarget(problem.detail, field="rollback_to") from problem


def _new_release(draft: Draft, deliverable: Deliverable, rollback_digest: str, actor: Actor, now_ms: int) -> Release:
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
        rollback_digest=rollback_digest,
        state=ReleaseState.DRAFT,
        is_exposed=False,
        cause="",
        row_revision=1,
        made_by=actor.person_id,
        created_ms=now_ms,
        changed_ms=now_ms,
        cap=read_cap(draft.cap),
        client_rules=read_client_rules(draft.client_rules, sequence=draft.sequence),
    )
