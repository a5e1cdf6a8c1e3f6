"""Bringing control files and the snapshot in line with what offers, in the transaction that changes it."""

from collections.abc import Sequence

import msgspec

from sampan.offline_packages.control import Control, Killed, Rollback
from sampan.offline_packages.roles import CONTROL_ROLE
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.outbox import emit
from sampan.platform.operators.actor import Actor
from sampan.platform.release.deliverables import DeliverableKind
from sampan.platform.release.releasable import kind_of
from sampan.platform.release.repository import Release, mark_exposed, offering_releases
from sampan.platform.release.snapshot import PART
from sampan.platform.trust.profiles import INTL
from sampan.platform.trust.service import change_control, exposed_controls
from sampan.platform.workspaces.revisions import raise_revision

MOST_WAYS_BACK = 1000  # the oldest are forgotten: a control file has a limited size


async def took_effect(
    core: Core, tx: Transaction, actor: Actor, release: Release, *, ways_back: Sequence[Rollback] = ()
) -> None:
    """Bring control and the snapshot in line with what offers now, in the transaction that changed it."""
    kind = kind_of(core, release.kind)
    await write_control(core, tx, actor, kind, release.deliverable_id, ways_back=ways_back)
    await raise_revision(tx, kind.part)
    await tell(core, tx, release)


async def tell(core: Core, tx: Transaction, release: Release) -> None:
    """Let whoever follows releases know what one has become."""
    facts = {"release": release.id, "kind": release.kind, "id": release.deliverable_id, "sequence": release.sequence}
    await emit(tx, f"release.{release.state}", facts, now_ms=core.now_ms())


async def write_control(
    core: Core,
    tx: Transaction,
    actor: Actor,
    kind: DeliverableKind,
    deliverable_id: str,
    *,
    killed: Killed | None = None,
    ways_back: Sequence[Rollback] = (),
) -> None:
    """Write the deliverable's control file anew, with one more kill, or with ways back, when given."""
    if kind.write_control is not None:
        await kind.write_control(core, tx, actor, deliverable_id)
        return
    if not kind.is_controlled:
        await mark_exposed(tx, [deliverable_id], kind=kind.name)
        return
    offering = {
        release.sequence
        for release in await offering_releases(tx, deliverable_id=deliverable_id)
        if release.kind == kind.name
    }

    def revise(control: Control) -> Control:
        kills = (*control.killed, killed) if killed else control.killed
        new = tuple(msgspec.structs.replace(entry, serial=control.serial) for entry in ways_back)
        pairs = {(entry.from_, entry.to) for entry in new}
        backs = (*(old for old in control.rollback if (old.from_, old.to) not in pairs), *new)[-MOST_WAYS_BACK:]
        dead = {entry.sequence for entry in kills}
        alive = (offering | {entry.to for entry in backs}) - dead
        backs = tuple(entry for entry in backs if entry.to not in dead)
        return msgspec.structs.replace(control, offerable=tuple(sorted(alive)), killed=kills, rollback=backs)

    await change_control(core, tx, deliverable_id, revise, actor)


async def on_tree_published(_core: Core, tx: Transaction, profile: str, roles: dict[str, int]) -> None:
    """Begin to offer what the control files that became visible let devices take."""
    if profile == INTL.name and CONTROL_ROLE in roles:
        await mark_exposed(tx, await exposed_controls(tx, profile, roles[CONTROL_ROLE]))
        await raise_revision(tx, PART)
