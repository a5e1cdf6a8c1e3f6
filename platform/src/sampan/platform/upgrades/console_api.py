"""Upgrades for people: typed bodies, one use case each."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from sampan.platform.core import Core
from sampan.platform.identity.service_client_apps import present_client_app
from sampan.platform.operators.console_auth import Signed, Workspace, needs
from sampan.platform.operators.console_paging import Page, Paged, page
from sampan.platform.upgrades import repository, service
from sampan.platform.upgrades.links import MAX_URL
from sampan.platform.upgrades.repository import Mode, Upgrade

MAX_BUILD = 2**53 - 1
Build = Annotated[int, Path(ge=1, le=MAX_BUILD, description="Build number: of two builds the higher one is newer.")]
Said = Annotated[str, Field(min_length=1, max_length=service.MAX_TEXT)]


class UpgradeText(BaseModel, extra="forbid"):
    """What customers read of the version."""

    zh: Said
    en: Said


class UpgradeFields(BaseModel, extra="forbid"):
    """What an upgrade tells customers."""

    version: str = Field(max_length=64, description="Version as the app says it in its sync, such as 5.2.0.")
    mode: Mode = Field(Mode.REMINDER, description="A bar that can be put off, or a page that nothing gets past.")
    url: str = Field(max_length=MAX_URL, description="Where the store has it: https, or the scheme of a market.")
    text: UpgradeText


class UpgradeChange(UpgradeFields):
    """What an upgrade shall tell customers; `changed_ms` is the upgrade's that you saw."""

    changed_ms: int = Field(ge=0, le=MAX_BUILD, description="As it was read; refused when it is another by now.")


class NewUpgrade(UpgradeFields):
    """A version of a client app."""

    build: int = Field(ge=1, le=MAX_BUILD)


class UpgradeOut(BaseModel):
    """An upgrade; `withdrawn` is why nobody is led to it any more, or empty."""

    client_app: str
    build: int
    version: str
    mode: Mode
    url: str
    text: UpgradeText
    withdrawn: str
    made_by: str
    created_ms: int
    changed_ms: int


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["app upgrades"])

    @router.get("/client-apps/{app_id}/upgrades", dependencies=[needs("client_app:read")])
    async def list_upgrades(workspace_id: Workspace, _actor: Signed, app_id: str, paging: Paged) -> Page[UpgradeOut]:
        """List the upgrades of a client app, the highest build first."""
        async with core.store.workspace(workspace_id).read() as tx:
            await present_client_app(tx, app_id)
            found = await repository.page_upgrades(tx, app_id, paging)
        return page(found, _out)

    @router.get("/client-apps/{app_id}/upgrades/{build}", dependencies=[needs("client_app:read")])
    async def get_upgrade(workspace_id: Workspace, _actor: Signed, app_id: str, build: Build) -> UpgradeOut:
        """Return an upgrade."""
        async with core.store.workspace(workspace_id).read() as tx:
            return _out(await service.present_upgrade(tx, app_id, build))

    @router.post("/client-apps/{app_id}/upgrades", status_code=201, dependencies=[needs("upgrade:edit")])
    async def enter_upgrade(workspace_id: Workspace, actor: Signed, app_id: str, body: NewUpgrade) -> UpgradeOut:
        """Enter a version; customers hear of it by a release of kind `app_upgrade`."""
        return _out(await service.enter_upgrade(core, workspace_id, actor, app_id, body.build, _wanted(body)))

    @router.put("/client-apps/{app_id}/upgrades/{build}", dependencies=[needs("upgrade:edit")])
    async def change_upgrade(
        workspace_id: Workspace, actor: Signed, app_id: str, build: Build, body: UpgradeChange
    ) -> UpgradeOut:
        """Change an upgrade as long as no release leads anybody to it."""
        wanted, seen_ms = _wanted(body), body.changed_ms
        return _out(await service.change_upgrade(core, workspace_id, actor, app_id, build, wanted, seen_ms=seen_ms))

    @router.delete("/client-apps/{app_id}/upgrades/{build}", status_code=204, dependencies=[needs("upgrade:edit")])
    async def remove_upgrade(workspace_id: Workspace, actor: Signed, app_id: str, build: Build) -> None:
        """Delete an upgrade as long as no release leads anybody to it."""
        await service.remove_upgrade(core, workspace_id, actor, app_id, build)

    return router


def _wanted(body: UpgradeFields) -> service.Wanted:
    return service.Wanted(body.version, body.mode, body.url, body.text.model_dump())


def _out(upgrade: Upgrade) -> UpgradeOut:
    return UpgradeOut(
        client_app=upgrade.client_app,
        build=upgrade.build,
        version=upgrade.version,
        mode=upgrade.mode,
        url=upgrade.url,
        text=UpgradeText(**upgrade.text),
        withdrawn=upgrade.withdrawn,
        made_by=upgrade.made_by,
        created_ms=upgrade.created_ms,
        changed_ms=upgrade.changed_ms,
    )
