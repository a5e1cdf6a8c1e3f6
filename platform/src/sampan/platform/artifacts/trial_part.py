"""The snapshot part `trial`: which versions are open to testers, and who the testers are."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sampan.platform.artifacts.apps_repository import Tester, list_testers
from sampan.platform.artifacts.versions_repository import Version, trial_versions
from sampan.platform.engines.database import Transaction
from sampan.platform.workspaces.replica import SnapshotPart

TRIAL_PART = "trial"


class TrialVersion(Struct, frozen=True):
    """A version that the trial tree lists."""

    app_id: str
    sequence: int
    version: str
    digest: str
    size_bytes: int
    name: str


class TrialPart(Struct, frozen=True):
    """Compiled: versions by (app, sequence), and testers as (app, kind, id)."""

    versions: Mapping[tuple[str, int], TrialVersion]
    testers: frozenset[tuple[str, str, str]]

    def find(self, app_id: str, sequence: int, *, device_id: str, customer_id: str | None) -> TrialVersion | None:
        """Return the version when it is open and the caller is a tester of its app; else None."""
        is_tester = (app_id, "device", device_id) in self.testers or (
            customer_id is not None and (app_id, "customer", customer_id) in self.testers
        )
        return self.versions.get((app_id, sequence)) if is_tester else None


async def load(tx: Transaction) -> tuple[Sequence[Version], Sequence[Tester]]:
    """Read the rows of the part."""
    return await trial_versions(tx), await list_testers(tx)


def compile_part(rows: tuple[Sequence[Version], Sequence[Tester]]) -> TrialPart:
    """Compile the rows."""
    found, testers = rows
    return TrialPart(
        {(each.app_id, each.sequence): _compiled(each) for each in found},
        frozenset((each.app_id, each.kind, each.subject_id) for each in testers),
    )


def _compiled(version: Version) -> TrialVersion:
    package = version.package
    return TrialVersion(
        package.app_id,
        package.sequence,
        package.version,
        package.package_digest,
        package.archive_bytes,
        package.name,
    )


part = SnapshotPart(TRIAL_PART, load, compile_part)
