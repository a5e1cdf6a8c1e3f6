"""Values of switches as something that a release rolls out."""

from collections.abc import Collection, Mapping, Sequence

from sampan.platform.core import Core
from sampan.platform.crypto.digest import digest
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.change_rows import DiffLine
from sampan.platform.release.deliverables import Deliverable, DeliverableKind, refuse_what_values_lack
from sampan.platform.release.repository import Release
from sampan.platform.switches.differences import differences
from sampan.platform.switches.part import KIND, PART
from sampan.platform.switches.problems import NotKillable
from sampan.platform.switches.proposals import check_release, on_completed, present_edition, roll_back
from sampan.platform.switches.repository import SwitchState, edition_before, edition_texts, served_switches
from sampan.platform.switches.service import present


async def find(tx: Transaction, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Deliverable]:
    """Return the editions; which of them may be given is for `check` to say."""
    found = await edition_texts(tx, wanted)
    return {
        (key, edition): Deliverable(
            id=key,
            sequence=edition,
            version=str(edition),
            digest=digest(text.encode()),
            size_bytes=0,
            min_host=0,
            url="",
        )
        for (key, edition), text in found.items()
    }


async def kill(_core: Core, _tx: Transaction, key: str, edition: int, _reason: str, _actor: Actor, _note: str) -> None:
    """Refuse: a value is not installed anywhere."""
    raise NotKillable(f"Nothing of {key} edition {edition} is on devices: stop its release, or turn the switch off.")


async def check(tx: Transaction, release: Release) -> None:
    """Refuse what cannot be given, and plans that values cannot follow."""
    refuse_what_values_lack(release)
    await check_release(tx, release)


async def lines(tx: Transaction, release: Release) -> Sequence[DiffLine]:
    """Return what differs from what everybody is served."""
    switch, edition = await check_release(tx, release)
    return differences(switch.definition, edition.definition)


async def standing(tx: Transaction, keys: Collection[str]) -> Mapping[str, int]:
    """Return the editions that are served to everybody."""
    return {each.key: each.edition for each in await served_switches(tx) if each.key in keys}


async def back_lines(tx: Transaction, key: str, number: int) -> Sequence[DiffLine]:
    """Return what everybody would be served otherwise than now after going back to an edition."""
    edition = await present_edition(tx, key, number)
    return differences((await present(tx, key)).definition, edition.definition)


async def before(tx: Transaction, key: str, number: int) -> int | None:
    """Return the edition that everybody was served before one was proposed."""
    found = await edition_before(tx, key, number)
    return found.edition if found is not None and found.state is SwitchState.ACTIVE else None


SWITCH = DeliverableKind(
    KIND,
    find,
    kill,
    is_controlled=False,
    part=PART,
    check=check,
    lines=lines,
    approve="switch:approve",
    completed=on_completed,
    roll_back=roll_back,
    standing=standing,
    back_lines=back_lines,
    before=before,
)
