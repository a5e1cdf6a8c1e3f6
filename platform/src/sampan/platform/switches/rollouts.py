"""What the snapshot part is compiled from: served switches, and releases that give other editions of them."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.engines.database import Transaction
from sampan.platform.release.repository import Release, offering_releases
from sampan.platform.release.snapshot import candidate_of
from sampan.platform.release.stages import rule_in
from sampan.platform.switches.compiled import Rollout
from sampan.platform.switches.part import KIND
from sampan.platform.switches.repository import ServedRow, Switch, edition_texts, served_switches


class SwitchRows(Struct, frozen=True):
    """What is served, and by key what releases give instead."""

    switches: Sequence[ServedRow]
    rollouts: Mapping[str, Sequence[Rollout]]


async def read_rows(tx: Transaction) -> SwitchRows:
    """Read both. A release counts as long as its edition is newer than what everyone is served."""
    served = await served_switches(tx)
    editions = {each.key: each.edition for each in served}
    releases = [
        each
        for each in await offering_releases(tx, kind=KIND)
        if each.is_exposed and each.sequence > editions.get(each.deliverable_id, each.sequence)
    ]
    return SwitchRows(served, await _rollouts(tx, releases))


async def rollouts_of(tx: Transaction, switch: Switch) -> Sequence[Rollout]:
    """Return what releases give instead of what an active switch is."""
    found = await offering_releases(tx, deliverable_id=switch.key, kind=KIND)
    living = [each for each in found if each.is_exposed and each.sequence > switch.edition]
    return (await _rollouts(tx, living)).get(switch.key, ())


async def _rollouts(tx: Transaction, releases: Sequence[Release]) -> Mapping[str, Sequence[Rollout]]:
    texts = await edition_texts(tx, {(each.deliverable_id, each.sequence) for each in releases})
    rollouts: dict[str, list[Rollout]] = {}
    for each in releases:
        audience = canonical_json(rule_in(each.audience, each.stages[each.stage])).decode()
        rollout = Rollout(candidate_of(each), audience, texts[each.deliverable_id, each.sequence])
        rollouts.setdefault(each.deliverable_id, []).append(rollout)
    return rollouts
