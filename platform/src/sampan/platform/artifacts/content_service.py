"""The very bytes of a version, for whoever reviews or publishes it: the index, and the archive as it will be signed."""

from collections.abc import AsyncGenerator

from msgspec import Struct

from sampan.platform.artifacts.approving import REVIEW
from sampan.platform.artifacts.apps_service import visible_app
from sampan.platform.artifacts.lookups import find
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.storage import keys_of, read_index
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor

SUBMIT = "version:submit"


class Archive(Struct, frozen=True):
    """An archive to be sent: its name, its size in bytes, and its bytes."""

    name: str
    size_bytes: int
    chunks: AsyncGenerator[bytes]


async def get_index(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int) -> bytes:
    """Return the content index; its digest is the package digest."""
    version = await readable_version(core, workspace_id, actor, app_id, sequence)
    return await read_index(core, keys_of(workspace_id, version).index)


async def get_archive(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int) -> Archive:
    """Return the stored archive; what is not published yet goes to its publisher and its reviewers alone."""
    version = await readable_version(core, workspace_id, actor, app_id, sequence)
    key = keys_of(workspace_id, version).package
    name = f"{app_id}-{version.package.version}.ma"
    return Archive(name, await core.objects.size(key), core.objects.read(key))


async def readable_version(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int) -> Version:
    """Return a version whose content the actor may read: what is not published, publisher and reviewers alone."""
    async with core.store.workspace(workspace_id).read() as tx:
        app = await visible_app(tx, actor, app_id)
        version = await find(tx, app_id, sequence)
    scope = {"publisher": app.publisher_id, "app": app_id}
    if version.state is not VersionState.PUBLISHED and not actor.may(SUBMIT, **scope):
        actor.require(REVIEW, **scope)
    return version
