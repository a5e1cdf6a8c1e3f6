"""Finding the version that a use case is about, and what its app's packages are judged by."""

from sampan.offline_packages import PackageIndex, parse_index
from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import problems
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.apps_repository import App
from sampan.platform.artifacts.apps_service import READ, visible_app
from sampan.platform.artifacts.bodies import PackageFacts
from sampan.platform.artifacts.candidates_repository import Candidate
from sampan.platform.artifacts.kinds import kind_of
from sampan.platform.artifacts.sources_repository import GIVEN_UP
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.storage import files_gone, keys_of, read_index
from sampan.platform.artifacts.taking_in import Rules
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.objects import ObjectMissing
from sampan.platform.operators.actor import Actor


async def find(tx: Transaction, app_id: str, sequence: int) -> Version:
    """Return a version of an app that the actor may see; raise `VersionUnknown`."""
    version = await versions.find_version(tx, app_id, sequence)
    if version is None:
        raise problems.VersionUnknown(f"{app_id} has no version with sequence {sequence}.", sequence=sequence)
    return version


async def candidate_of(tx: Transaction, version: Version) -> Candidate:
    """Return the candidate behind a version; every version has one."""
    candidate = await candidates.find_candidate(tx, version.candidate_id)
    if candidate is None:
        raise LookupError(f"version {version.sequence} of {version.app_id} has no candidate row")
    return candidate


async def visible_version(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, permission: str = READ
) -> tuple[App, Version]:
    """Return an app and its version that the actor may see and act on."""
    async with core.store.workspace(workspace_id).read() as tx:
        app = await visible_app(tx, actor, app_id, permission)
        return app, await find(tx, app_id, sequence)


async def rules_for(core: Core, workspace_id: str, app: App) -> Rules:
    """Return what an app's packages are judged by now."""
    kind = kind_of(core, app.kind)
    async with core.store.workspace(workspace_id).read() as tx:
        rules = await kind.load(tx, app.app_id)
        published = await versions.versions_of(tx, app.app_id, [VersionState.PUBLISHED])
    previous = await index_of(core, workspace_id, published[0]) if published else None
    return Rules(kind, rules, previous)


async def index_of(core: Core, workspace_id: str, version: Version) -> PackageIndex:
    """Return the parsed index of a version."""
    return parse_index(await index_bytes_of(core, workspace_id, version))


async def index_bytes_of(core: Core, workspace_id: str, version: Version) -> bytes:
    """Return the index of a version as it was signed."""
    try:
        return await read_index(core, keys_of(workspace_id, version).index)
    except ObjectMissing as problem:
        if version.state in GIVEN_UP:
            raise files_gone() from problem
        raise


def stored_facts(version: Version, index_bytes: bytes) -> PackageFacts:
    """Return what the role must list for a stored version."""
    package = version.package
    return PackageFacts(
        app_id=package.app_id,
        sequence=package.sequence,
        version=package.version,
        index=index_bytes,
        archive_digest=package.archive_digest,
        archive_bytes=package.archive_bytes,
    )
