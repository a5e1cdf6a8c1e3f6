"""Use cases of the client apps. Functions take the caller's transaction."""

from collections.abc import Mapping
from typing import Any

from sampan.platform.engines.database import Transaction
from sampan.platform.identity.problems import ClientAppInUse, ClientAppTaken, ClientAppUnknown
from sampan.platform.identity.repository_client_apps import (
    PART,
    ClientApp,
    add_client_app,
    delete_client_app,
    get_client_app,
    update_client_app,
)
from sampan.platform.identity.repository_devices import has_devices
from sampan.platform.workspaces.revisions import raise_revision


async def create_client_app(tx: Transaction, app: ClientApp) -> ClientApp:
    """Store a client app; raise `ClientAppTaken`."""
    if not await add_client_app(tx, app):
        raise ClientAppTaken("A client app has this id; change that one, or choose another id.", field="id")
    await raise_revision(tx, PART)
    return app


async def change_client_app(tx: Transaction, app_id: str, changes: Mapping[str, Any]) -> ClientApp:
    """Change some columns of a client app; raise `ClientAppUnknown`."""
    if changes and await update_client_app(tx, app_id, changes):
        await raise_revision(tx, PART)
    return await present_client_app(tx, app_id)


async def remove_client_app(tx: Transaction, app_id: str) -> ClientApp:
    """Delete a client app that no device ever used; raise `ClientAppUnknown`, `ClientAppInUse`."""
    app = await present_client_app(tx, app_id)
    if await has_devices(tx, app_id):
        raise ClientAppInUse("Devices of this app exist. Close it instead: it then takes no sessions.")
    await delete_client_app(tx, app_id)
    await raise_revision(tx, PART)
    return app


async def present_client_app(tx: Transaction, app_id: str) -> ClientApp:
    """Return a client app; raise `ClientAppUnknown`."""
    app = await get_client_app(tx, app_id)
    if app is None:
        raise ClientAppUnknown("No client app has this id here.")
    return app
