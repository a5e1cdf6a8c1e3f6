"""The bank's API for client apps and token keys. Every change has its audit row in its transaction."""

from typing import Annotated

from fastapi import APIRouter

from sampan.platform.core import Core
from sampan.platform.identity.repository_client_apps import ClientApp, page_client_apps
from sampan.platform.identity.service_client_apps import (
    change_client_app,
    create_client_app,
    present_client_app,
    remove_client_app,
)
from sampan.platform.identity.service_keys import new_token_key, rotate_token_keys
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_paging import Page, Paged, page
from sampan.platform.operators.identity_console_bodies import (
    ClientAppAnswer,
    ClientAppChange,
    NewClientApp,
    RotationBody,
)


def build(core: Core) -> APIRouter:
    """Return the router."""
    router = APIRouter(tags=["client apps"])

    @router.get("/client-apps")
    async def list_apps(
        workspace: Workspace, _actor: Annotated[Actor, needs("client_app:read")], paging: Paged
    ) -> Page[ClientAppAnswer]:
        """List the super-apps of this workspace."""
        async with core.store.workspace(workspace).read() as tx:
            return page(await page_client_apps(tx, paging), ClientAppAnswer.of)

    @router.get("/client-apps/{app_id}")
    async def get_app(
        workspace: Workspace, _actor: Annotated[Actor, needs("client_app:read")], app_id: str
    ) -> ClientAppAnswer:
        """Return one super-app."""
        async with core.store.workspace(workspace).read() as tx:
            return ClientAppAnswer.of(await present_client_app(tx, app_id))

    @router.post("/client-apps", status_code=201)
    async def create_app(
        workspace: Workspace, actor: Annotated[Actor, needs("client_app:edit")], body: NewClientApp
    ) -> ClientAppAnswer:
        """Enter a super-app; devices can begin sessions for it at once."""
        now_ms = core.now_ms()
        app = ClientApp(**body.model_dump(), closed=False, created_ms=now_ms)
        async with core.store.workspace(workspace).write() as tx:
            await create_client_app(tx, app)
            detail = body.model_dump(mode="json")
            await record(tx, actor, "client_app.create", target=app.id, detail=detail, now_ms=now_ms)
        return ClientAppAnswer.of(app)

    @router.patch("/client-apps/{app_id}")
    async def change_app(
        workspace: Workspace, actor: Annotated[Actor, needs("client_app:edit")], app_id: str, body: ClientAppChange
    ) -> ClientAppAnswer:
        """Change a super-app, or close it."""
        changes = body.model_dump(mode="json", exclude_none=True)
        async with core.store.workspace(workspace).write() as tx:
            app = await change_client_app(tx, app_id, changes)
            await record(tx, actor, "client_app.change", target=app_id, detail=changes, now_ms=core.now_ms())
        return ClientAppAnswer.of(app)

    @router.delete("/client-apps/{app_id}", status_code=204)
    async def delete_app(workspace: Workspace, actor: Annotated[Actor, needs("client_app:edit")], app_id: str) -> None:
        """Delete a super-app that no device ever used."""
        async with core.store.workspace(workspace).write() as tx:
            await remove_client_app(tx, app_id)
            await record(tx, actor, "client_app.delete", target=app_id, now_ms=core.now_ms())

    @router.post("/token-keys/rotate", status_code=204)
    async def rotate_keys(
        workspace: Workspace, actor: Annotated[Actor, needs("token_key:rotate")], body: RotationBody
    ) -> None:
        """Exchange the key that signs access tokens; the new one signs 30 s after it is published."""
        key, now_ms = new_token_key(core, workspace, at_once=body.at_once), core.now_ms()
        async with core.store.workspace(workspace).write() as tx:
            await rotate_token_keys(tx, key, now_ms=now_ms, at_once=body.at_once)
            detail = {"at_once": body.at_once}
            await record(tx, actor, "token_key.rotate", target=key.kid, detail=detail, now_ms=now_ms)

    return router
