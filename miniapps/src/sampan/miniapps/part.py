"""The snapshot part `catalogue`, and the member `apps` of the sync answer that is read from it."""

from sampan.miniapps.catalogue import CatalogueRows, CompiledApps, Published, compile_catalogue
from sampan.miniapps.kind_names import MINIAPP
from sampan.miniapps.repository import list_categories, list_entries
from sampan.platform.artifacts.published import all_published
from sampan.platform.artifacts.states import VersionState
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.caller import Caller
from sampan.platform.release.sync import SyncPart, SyncRequest
from sampan.platform.workspaces.replica import SnapshotPart, WorkspaceView
from sampan.platform.workspaces.revisions import raise_revision

PART = "catalogue"
_CHANGES_WHAT_IS_THERE = frozenset({VersionState.PUBLISHED, VersionState.KILLED, VersionState.ARCHIVED})


async def load(tx: Transaction) -> CatalogueRows:
    """Read the rows of the part."""
    newest: dict[str, Published] = {}
    for version in await all_published(tx):
        if version.kind == MINIAPP:
            newest.setdefault(version.app_id, Published(version.icon_digest, version.name))
    return CatalogueRows(await list_entries(tx), await list_categories(tx), newest)


async def on_version_state(tx: Transaction, _app_id: str, _sequence: int, state: str) -> None:
    """Compile the catalogue anew when a published version came or went: its icon and presence depend on it."""
    if state in _CHANGES_WHAT_IS_THERE:
        await raise_revision(tx, PART)


def answer(view: WorkspaceView, caller: Caller, request: SyncRequest, _now_ms: int) -> bytes:
    """Return the caller's catalogue, or its etag alone when the caller has it."""
    compiled: tuple[CompiledApps, ...] = view.parts[PART]
    apps = compiled[caller.tier]
    return apps.unchanged if request.apps_etag == apps.etag else apps.whole


part = SnapshotPart(PART, load, compile_catalogue)
sync_part = SyncPart("apps", answer)
