"""Rolling back: production gets safer, and so one person may."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from sampan.offline_packages.control import Rollback
from sampan.platform.audience.audience_rows import list_audiences
from sampan.platform.audience.rules import compile_rule
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict
from sampan.platform.ids import new_id
from sampan.platform.operators.actor import Actor
from sampan.platform.release.cap_heirs import keep_places
from sampan.platform.release.client_rules import NO_RULES
from sampan.platform.release.conflicts import scopes_of
from sampan.platform.release.deliverables import Deliverable, DeliverableKind, app_of
from sampan.platform.release.judging import NOTHING
from sampan.platform.release.releasable import kind_of, releasable
from sampan.platform.release.repository import Release, add_release, get_release, releases_of, stages_of
from sampan.platform.release.schedule import ALWAYS
from sampan.platform.release.stages import EVERYBODY, Stage, widest
from sampan.platform.release.states import OFFERING, ReleaseState, WrongReleaseState, move
from sampan.platform.release.taking_effect import tell, took_effect
from sampan.platform.release.transitions import change_state, record

MOST_TARGETS = 50


class NoRollbackTarget(Conflict):
    """No lower version was named to go back to, or one that neither was released before nor is the approved one."""

    code = "no_rollback_target"
    field = "to"


class AlreadyWithdrawn(Conflict):
    """What the release gave is withdrawn: devices leave it, and what they had below it stays."""

    code = "release_withdrawn"


class Target(Struct, frozen=True):
    """A version that devices can go back to; `also` are the releases that would end with this one."""

    deliverable: Deliverable
    also: Sequence[Release]


async def roll_back_release(
    core: Core, workspace_id: str, actor: Actor, release_id: str, *, cause: str, to: int | None = None
) -> Release:
    """Take devices back to an earlier released version, by itself the one approved with the release; one person may.

    What one person can bring back is only what two persons once agreed to: a version with exactly the content of a
    release that was started, or of the approved target. The target gets releases of its own, because nothing else might
    offer it, for those whom the release was given to so far and for nobody else. Releases of
    versions above the target, up to the rolled back one, that may mean the same devices are rolled back too: they
    would be offered instead. Whatever a device ever had above the target, it may go back. A kind of value may have a
    way of its own.
    """
    async with core.store.workspace(workspace_id).write() as tx:
        release = await get_release(tx, release_id)
        actor.require("release:stop", app=app_of(release.deliverable_id))
        move(release.state, "roll_back")
        if not release.started_ms:
            raise WrongReleaseState("The release was never started: nobody has to go back.", state=release.state)
        if await _is_withdrawn(core, tx, release):
            raise AlreadyWithdrawn(
                f"{release.version} is withdrawn: devices leave it by themselves and keep what they had below it. To"
                " take that back too, roll back its own release."
            )
        target = await _target(core, tx, release, release.rollback_to if to is None else to)
        all_releases = await releases_of(tx, release.kind, release.deliverable_id)
        if (roll_back := kind_of(core, release.kind).roll_back) is not None:
            rolled = await change_state(core, tx, actor, release, "roll_back", cause=cause)
            await roll_back(core, tx, rolled, target, actor)
            await took_effect(core, tx, actor, rolled)
            return rolled
        for other in await _instead(tx, release, target, all_releases, core.now_ms()):
            also = await change_state(
                core, tx, actor, other, "roll_back", cause=f"with the release of {release.version}"
            )
            await _offer_target(core, tx, actor, also, target)
            await tell(core, tx, also)
        rolled = await change_state(core, tx, actor, release, "roll_back", cause=cause)
        await _offer_target(core, tx, actor, rolled, target)
        await took_effect(core, tx, actor, rolled, ways_back=_ways_back(rolled, target, all_releases))
    return rolled


async def rollback_targets(core: Core, tx: Transaction, release: Release) -> list[Target]:
    """Return the versions that were released before and are lower, the highest first, as far as they can be offered."""
    everything = await releases_of(tx, release.kind, release.deliverable_id)
    if not any(each.id == release.id and each.started_ms for each in everything):
        return []
    if await _is_withdrawn(core, tx, release):
        return []
    agreed = await _agreed(core, tx, release, everything)
    lower = sorted(agreed, reverse=True)[:MOST_TARGETS]
    found = await kind_of(core, release.kind).find(tx, [(release.deliverable_id, each) for each in lower])
    return [
        Target(target, await _instead(tx, release, target, everything, core.now_ms()))
        for each in lower
        if (target := found.get((release.deliverable_id, each))) is not None and target.digest in agreed[each]
    ]


async def _is_withdrawn(core: Core, tx: Transaction, release: Release) -> bool:
    """Whether control itself made devices leave what the release gave, and what is below it goes on."""
    kind = kind_of(core, release.kind)
    return kind.write_control is not None and not await kind.find(tx, [(release.deliverable_id, release.sequence)])


async def _target(core: Core, tx: Transaction, release: Release, sequence: int | None) -> Deliverable:
    if sequence is None:
        raise NoRollbackTarget("Name the version to go back to; none was approved with the release.")
    if sequence >= release.sequence:
        raise NoRollbackTarget(f"A roll-back goes to a lower sequence than {release.sequence}.")
    target = await releasable(core, tx, release.kind, release.deliverable_id, sequence)
    everything = await releases_of(tx, release.kind, release.deliverable_id)
    agreed = (await _agreed(core, tx, release, everything)).get(sequence)
    if agreed is None:
        raise NoRollbackTarget(
            f"{target.version} was never released and is not the approved target. Release it instead."
        )
    if target.digest not in agreed:
        raise NoRollbackTarget(f"{target.version} was changed since it was approved. Release it as it is now instead.")
    return target


async def _agreed(
    core: Core, tx: Transaction, release: Release, everything: Sequence[Release]
) -> dict[int, frozenset[str]]:
    """Return the lower versions that one person may bring back, each with the digests that two persons agreed to.

    A kind with a way back of its own gives the target to everybody: what a release once gave to some is not enough.
    """
    kind = kind_of(core, release.kind)
    found: dict[int, frozenset[str]] = {}
    if kind.roll_back is None:
        found = await _standing(kind, tx, release.deliverable_id)
        for each in everything:
            if each.started_ms and each.sequence < release.sequence:
                found[each.sequence] = found.get(each.sequence, frozenset()) | {each.digest}
    elif kind.before is not None:
        number = await kind.before(tx, release.deliverable_id, release.sequence)
        pair = (release.deliverable_id, number or 0)
        if (had := (await kind.find(tx, [pair])).get(pair)) is not None:
            found[had.sequence] = frozenset({had.digest})
    if release.rollback_to is not None:
        approved = found.get(release.rollback_to, frozenset())
        found[release.rollback_to] = approved | {release.rollback_digest}
    return found


async def _standing(kind: DeliverableKind, tx: Transaction, deliverable_id: str) -> dict[int, frozenset[str]]:
    """Return what everybody has without any release, with its digest."""
    numbers = await kind.standing(tx, [deliverable_id]) if kind.standing is not None else {}
    found = await kind.find(tx, list(numbers.items()))
    return {each.sequence: frozenset({each.digest}) for each in found.values()}


async def _instead(
    tx: Transaction, release: Release, target: Deliverable, everything: Sequence[Release], now_ms: int
) -> list[Release]:
    """Return the releases that devices would be offered instead of the target."""
    between = [
        each
        for each in everything
        if each.id != release.id
        and each.state in (*OFFERING, ReleaseState.PAUSED)
        and target.sequence < each.sequence <= release.sequence
    ]
    if not between:
        return []
    saved = {each.id: compile_rule(each.rule).root for each in await list_audiences(tx)}
    (mine,) = scopes_of(release, EVERYBODY, saved, now_ms)
    return [each for each in between if scopes_of(each, EVERYBODY, saved, now_ms)[0].can_meet(mine)]


def _ways_back(release: Release, target: Deliverable, everything: Sequence[Release]) -> list[Rollback]:
    """Return an entry for each version that a device may have had: it names the highest one, not the present one."""
    had = {each.sequence for each in everything if each.started_ms} | {release.sequence}
    return [
        Rollback(from_=sequence, to=target.sequence, digest=target.digest, serial="")
        for sequence in sorted(had)
        if sequence > target.sequence
    ]


async def _offer_target(core: Core, tx: Transaction, actor: Actor, rolled: Release, target: Deliverable) -> None:
    """Offer the target to those whom the release was given to at any of its stages; what stands is offered anyway."""
    kind = kind_of(core, rolled.kind)
    if kind.standing is not None and (await kind.standing(tx, [target.id])).get(target.id) == target.sequence:
        return
    for stage in widest(rolled.stages[number] for number in await stages_of(tx, rolled.id)):
        back = _release_of_target(rolled, target, stage, actor, core.now_ms())
        await add_release(tx, back)
        if back.cap is not None:
            await keep_places(tx, rolled.id, back.id, now_ms=core.now_ms())
        await record(core, tx, actor, "release.running", back, {"cause": back.cause})


def _release_of_target(rolled_back: Release, target: Deliverable, stage: Stage, actor: Actor, now_ms: int) -> Release:
    return replace(
        rolled_back,
        id=new_id("rel"),
        sequence=target.sequence,
        version=target.version,
        digest=target.digest,
        size_bytes=target.size_bytes,
        min_host=target.min_host,
        url=target.url,
        stages=(stage,),
        stage=0,
        stage_since_ms=now_ms,
        started_ms=now_ms,
        judged_from_ms=now_ms,
        schedule=ALWAYS,
        before=NOTHING,
        rollback_to=None,
        rollback_digest="",
        drawn_as=rolled_back.drawn_as or rolled_back.id,
        client_rules=NO_RULES,
        state=ReleaseState.RUNNING,
        is_exposed=False,
        cause=f"roll-back of {rolled_back.id}",
        row_revision=1,
        made_by=actor.person_id,
        created_ms=now_ms,
        changed_ms=now_ms,
    )
