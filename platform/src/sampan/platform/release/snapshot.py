"""The snapshot part `releases`: all that offers now, compiled for `decide` and `sync`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sampan.offline_packages.control import Control
from sampan.platform.audience.rules import compile_rule
from sampan.platform.engines.database import Transaction
from sampan.platform.release.decide import Candidate, DeliverableSnapshot
from sampan.platform.release.deliverables import Deliverable, DeliverableKind
from sampan.platform.release.repository import Release, offering_releases
from sampan.platform.release.sync import ControlState, ReleasesPart

PART = "releases"


@dataclass(frozen=True, slots=True)
class ReleaseRows:
    """What the part is compiled from."""

    releases: Sequence[Release]
    deliverables: Mapping[tuple[str, str, int], Deliverable]
    controls: Sequence[Control]
    ticket_key: bytes


async def load_deliverables(
    tx: Transaction, kinds: Collection[DeliverableKind], releases: Sequence[Release]
) -> dict[tuple[str, str, int], Deliverable]:
    """Return the published versions that the releases roll out, by (kind, id, sequence); one read a kind."""
    found: dict[tuple[str, str, int], Deliverable] = {}
    for kind in kinds:
        wanted = {(release.deliverable_id, release.sequence) for release in releases if release.kind == kind.name}
        for (deliverable_id, sequence), deliverable in (await kind.find(tx, wanted)).items() if wanted else ():
            found[kind.name, deliverable_id, sequence] = deliverable
    return found


async def load(
    tx: Transaction, kinds: Collection[DeliverableKind], controls: Sequence[Control], key: bytes
) -> ReleaseRows:
    """Read the rows of the part."""
    releases = await offering_releases(tx)
    return ReleaseRows(releases, await load_deliverables(tx, kinds, releases), controls, key)


def compile_part(rows: ReleaseRows) -> ReleasesPart:
    """Compile the rows. A release whose version is no longer published (killed meanwhile) offers nothing."""
    snapshots = []
    for (kind, deliverable_id), group in groupby(rows.releases, key=lambda item: (item.kind, item.deliverable_id)):
        candidates = [
            _candidate(release, rows.deliverables[kind, deliverable_id, release.sequence])
            for release in group
            if (kind, deliverable_id, release.sequence) in rows.deliverables
        ]
        snapshots.append(DeliverableSnapshot(kind, deliverable_id, candidates))
    return ReleasesPart(snapshots, {control.app: _control(control) for control in rows.controls}, rows.ticket_key)


def _candidate(release: Release, deliverable: Deliverable) -> Candidate:
    return Candidate(
        release_id=release.id,
        sequence=release.sequence,
        version=deliverable.version,
        digest=deliverable.digest,
        size_bytes=deliverable.size_bytes,
        url=deliverable.url,
        update=release.update_mode,
        min_host=deliverable.min_host,
        client_app=release.client_app,
        audience=compile_rule(release.audience),
    )


def _control(control: Control) -> ControlState:
    return ControlState(
        control.serial,
        frozenset(entry.sequence for entry in control.killed),
        frozenset((entry.from_, entry.to) for entry in control.rollback),
    )
