"""The snapshot part `releases`: all that offers now, compiled for `decide` and `sync`."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from sampan.offline_packages.control import Control, parse_control
from sampan.platform.audience.rules import Bucketing, compile_rule
from sampan.platform.engines.database import Transaction
from sampan.platform.release.decide import Candidate, DeliverableSnapshot
from sampan.platform.release.deliverables import OFFERS
from sampan.platform.release.repository import Release, offering_releases, standing_still
from sampan.platform.release.stages import rule_in
from sampan.platform.release.sync import ControlState, ReleasesPart
from sampan.platform.release.sync_policy import CHECK_SECONDS
from sampan.platform.trust.control_rows import all_controls

PART = OFFERS


class ReleaseRows(Struct, frozen=True):
    """What the part is compiled from."""

    releases: Sequence[Release]
    controls: Sequence[Control]
    check_seconds: int
    still: Mapping[str, Collection[int]] = {}


async def load(tx: Transaction) -> ReleaseRows:
    """Read the releases that offer packages and whose control devices can see, every app's control, and the policy."""
    releases = [release for release in await offering_releases(tx) if release.is_exposed and release.url]
    controls = [parse_control(body, app) for app, body in (await all_controls(tx)).items()]
    return ReleaseRows(releases, controls, await CHECK_SECONDS.read(tx), await standing_still(tx))


def compile_part(rows: ReleaseRows) -> ReleasesPart:
    """Compile the rows."""
    snapshots = [
        DeliverableSnapshot(kind, deliverable_id, [candidate_of(release) for release in group])
        for (kind, deliverable_id), group in groupby(rows.releases, key=lambda item: (item.kind, item.deliverable_id))
    ]
    controls = {control.app: control_state(control, rows.still.get(control.app, ())) for control in rows.controls}
    return ReleasesPart(snapshots, controls, rows.check_seconds)


def candidate_of(release: Release) -> Candidate:
    """Return a release at its present stage, compiled as `decide` takes it."""
    return Candidate(
        release_id=release.id,
        sequence=release.sequence,
        version=release.version,
        digest=release.digest,
        size_bytes=release.size_bytes,
        url=release.url,
        update=release.update_mode,
        min_host=release.min_host,
        client_app=release.client_app,
        audience=compile_rule(
            rule_in(release.audience, release.stages[release.stage]), Bucketing(release.drawn_as or release.id)
        ),  # one salt for all its stages
        cap=release.cap,
        client_rules=release.client_rules,
    )


def control_state(control: Control, still: Collection[int] = ()) -> ControlState:
    """Return what a hint needs of a control file.

    A way back stays in the file for good. `still` are the versions (`standing_still`) that devices are not hinted to
    leave by a way that was opened before: neither pause nor stop nor a narrower stage takes anything back.
    """
    return ControlState(
        control.serial,
        frozenset(entry.sequence for entry in control.killed),
        frozenset((entry.from_, entry.to) for entry in control.rollback if entry.from_ not in still),
    )
