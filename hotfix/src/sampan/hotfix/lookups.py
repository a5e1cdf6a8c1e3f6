"""Finding the version and the hotfix that a use case is about."""

from msgspec import Struct

from sampan.hotfix import problems
from sampan.hotfix.repository import Record, find_hotfix
from sampan.platform.artifacts.apps_repository import App
from sampan.platform.artifacts.apps_service import READ, visible_app
from sampan.platform.artifacts.lookups import find as find_version
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor


class Place(Struct, frozen=True):
    """The version that hotfixes are for, with its app."""

    app: App
    version: Version


async def place_of(tx: Transaction, actor: Actor, app_id: str, sequence: int, permission: str = READ) -> Place:
    """Return a version that the actor may see and act on; raise `AppUnknown`, `VersionUnknown`."""
    app = await visible_app(tx, actor, app_id, permission)
    return Place(app, await find_version(tx, app_id, sequence))


def check_is_published(place: Place) -> None:
    """Raise `HotfixNeedsVersion` unless devices may have the version."""
    if place.version.state is not VersionState.PUBLISHED:
        raise problems.HotfixNeedsVersion(
            f"{place.app.app_id} {place.version.package.version} is {place.version.state}; a hotfix changes a published"
            " version.",
            state=place.version.state.value,
        )


async def find(tx: Transaction, app_id: str, sequence: int, n: int) -> Record:
    """Return a hotfix; raise `HotfixUnknown`."""
    record = await find_hotfix(tx, app_id, sequence, n)
    if record is None:
        raise problems.HotfixUnknown(f"{app_id} {sequence} has no hotfix {n}.", n=n)
    return record
