"""For the floors above: what is published, and the snapshot part."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.versions_repository import Dependency, Version
from sampan.platform.engines.database import Transaction
from sampan.platform.workspaces.replica import SnapshotPart

PART = "artifacts"


class PublishedVersion(Struct, frozen=True):
    """A version that devices can fetch and that nobody has forbidden. Sizes in bytes; `digest` is the package's."""

    app_id: str
    kind: str
    sequence: int
    version: str
    digest: str
    archive_digest: str
    size_bytes: int
    min_host: int
    floor: int
    dependencies: tuple[Dependency, ...]
    name: str
    icon_digest: str


async def published_versions(tx: Transaction, app_id: str) -> list[PublishedVersion]:
    """Return an app's published versions, highest sequence first; killed and archived ones are left out."""
    return [_published(each) for each in await versions.versions_of(tx, app_id, [VersionState.PUBLISHED])]


async def find_published(
    tx: Transaction, wanted: Collection[tuple[str, int]]
) -> dict[tuple[str, int], PublishedVersion]:
    """Return those of the (app id, sequence) pairs that are published, in one read."""
    pairs = set(wanted)
    found = await versions.versions_in(tx, [VersionState.PUBLISHED], app_ids={app_id for app_id, _ in pairs})
    return {(each.app_id, each.sequence): _published(each) for each in found if (each.app_id, each.sequence) in pairs}


async def all_published(tx: Transaction) -> list[PublishedVersion]:
    """Return the published versions of all apps, by app, highest sequence first."""
    return [_published(each) for each in await versions.versions_in(tx, [VersionState.PUBLISHED])]


async def _load(tx: Transaction) -> Sequence[Version]:
    return await versions.versions_in(tx, [VersionState.PUBLISHED])


def _compile(rows: Sequence[Version]) -> Mapping[str, tuple[PublishedVersion, ...]]:
    """Return the published versions by app, highest sequence first."""
    return {
        app_id: tuple(_published(each) for each in group) for app_id, group in groupby(rows, key=lambda row: row.app_id)
    }


def _published(version: Version) -> PublishedVersion:
    package = version.package
    return PublishedVersion(
        app_id=package.app_id,
        kind=package.kind,
        sequence=package.sequence,
        version=package.version,
        digest=package.package_digest,
        archive_digest=package.archive_digest,
        size_bytes=package.archive_bytes,
        min_host=package.min_host,
        floor=package.floor,
        dependencies=package.dependencies,
        name=package.name,
        icon_digest=package.icon_digest,
    )


part = SnapshotPart(PART, _load, _compile)
