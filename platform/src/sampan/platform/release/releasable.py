"""Which versions a release can roll out: those that their kind says are published and not killed."""

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict, Invalid
from sampan.platform.release.deliverables import Deliverable, DeliverableKind, version_meant
from sampan.platform.release.plan_words import HOTFIX
from sampan.platform.release.repository import Release


class UnknownDeliverableKind(Invalid):
    """No component rolls out this kind of thing."""

    code = "unknown_deliverable_kind"


class NotReleasable(Conflict):
    """The version does not exist, is not published or was killed."""

    code = "not_releasable"
    field = "sequence"


async def releasable(core: Core, tx: Transaction, kind: str, deliverable_id: str, sequence: int) -> Deliverable:
    """Return the published version of a kind; raise `NotReleasable`, or `UnknownDeliverableKind`."""
    found = await kind_of(core, kind).find(tx, [(deliverable_id, sequence)])
    deliverable = found.get((deliverable_id, sequence))
    if deliverable is None and kind == HOTFIX:
        app, version = version_meant(deliverable_id, 0)
        raise NotReleasable(
            f"Devices may not have hotfix {sequence} of {app} (sequence {version}): it waits for its approval, was"
            " rejected or withdrawn, or there is none with this number."
        )
    if deliverable is None:
        raise NotReleasable(
            f"{deliverable_id} has no published version with sequence {sequence}, or it was killed; publish one first."
        )
    return deliverable


async def check_plan(core: Core, tx: Transaction, release: Release) -> None:
    """Raise what the deliverable's kind has against this release, if anything."""
    check = kind_of(core, release.kind).check
    if check is not None:
        await check(tx, release)


def kind_of(core: Core, name: str) -> DeliverableKind:
    """Return the kind that a component gave this name; raise `UnknownDeliverableKind`."""
    for kind in core.contributions(DeliverableKind):
        if kind.name == name:
            return kind
    names = sorted(kind.name for kind in core.contributions(DeliverableKind))
    raise UnknownDeliverableKind(f"There is no deliverable kind {name!r}; there are {names}.", field="kind")
