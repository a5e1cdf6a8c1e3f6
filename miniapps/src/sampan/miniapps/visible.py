"""Which apps a caller may know of and open: the same answer that the catalogue in sync gives."""

from sampan.miniapps.catalogue import CompiledApps
from sampan.miniapps.part import PART
from sampan.platform.core import Core
from sampan.platform.errors import NotFound
from sampan.platform.identity.caller import Caller


class AppNotFound(NotFound):
    """No app of this id that the caller may know of."""

    code = "app_not_found"


def visible_app(core: Core, caller: Caller, app_id: str) -> str:
    """Return the id of an app that the caller's catalogue lists; raise `AppNotFound`."""
    compiled: tuple[CompiledApps, ...] = core.replica.view(caller.workspace_id).parts[PART]
    if app_id not in compiled[caller.tier].seen:
        raise AppNotFound("There is no such app for you. Sync first: the catalogue lists the apps that there are.")
    return app_id
