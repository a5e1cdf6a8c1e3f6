"""For the floors above: what is published, and the two moves that a release makes with it. Plus the snapshot part."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.lookups import candidate_of, find
from sampan.platform.artifacts.moves import PART, move
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.versions_repository import Dependency, Version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor
from sampan.platform.workspaces.replica import SnapshotPart
from sampan.platform.workspaces.revisions import raise_revision


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


async def mark_killed(
    core: Core, tx: Transaction, app_id: str, sequence: int, *, code: str, actor: Actor, note: str = ""
) -> None:
    """Mark a published version as killed; the caller writes control and the releases."""
    version = await find(tx, app_id, sequence)
    await move(core, tx, await candidate_of(tx, version), VersionState.KILLED, cause="killed", actor=actor, note=note)
    await versions.update_version(tx, app_id, sequence, killed_code=code)
    await raise_revision(tx, PART)


async def unmark_killed(core: Core, tx: Transaction, app_id: str, sequence: int, *, actor: Actor) -> None:
    """Mark a killed version as published again, after two people agreed to it."""
    version = await find(tx, app_id, sequence)
    candidate = await candidate_of(tx, version)
    await move(core, tx, candidate, VersionState.PUBLISHED, cause="kill_lifted", actor=actor)
    await versions.update_version(tx, app_id, sequence, killed_code="")
    await raise_revision(tx, PART)


async def set_state(
    core: Core, tx: Transaction, app_id: str, sequence: int, state: VersionState, *, cause: str, actor: Actor
) -> None:
    """Bring a version into a state that the rules allow from its present one."""
    version = await find(tx, app_id, sequence)
    await move(core, tx, await candidate_of(tx, version), state, cause=cause, actor=actor)
    await raise_revision(tx, PART)


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
