"""Publishers, apps, testers and uploads for people: typed bodies, one use case each."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request

from sampan.platform.artifacts import apps_service, inspecting, quarantine
from sampan.platform.artifacts.apps_repository import BY_ID, NEWEST, AppFilter
from sampan.platform.artifacts.console_requests import (
    AppIn,
    PublisherIn,
    PublisherKeyIn,
    TestersChangeIn,
    TestersIn,
)
from sampan.platform.artifacts.console_views import (
    AppOut,
    InspectionOut,
    PublisherOut,
    TesterOut,
    UploadOut,
    app_out,
    inspection_out,
    publisher_out,
    tester_out,
    upload_out,
)
from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_bodies import TextQuery
from sampan.platform.operators.console_paging import Page, Paged, page

RAW_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
ORDERS = {order.name: order for order in (BY_ID, NEWEST)}
Reader = Annotated[Actor, needs(apps_service.READ, scoped=True)]


def _app_filter(
    kind: TextQuery = None, publisher: TextQuery = None, archived: bool | None = None, search: TextQuery = None
) -> AppFilter:
    return AppFilter(kind, publisher, archived, search)


def add_publisher_routes(router: APIRouter, core: Core) -> None:
    """Add the routes of publishers."""

    @router.get("/publishers")
    async def list_publishers(
        workspace_id: Workspace, actor: Reader, paging: Paged, search: TextQuery = None
    ) -> Page[PublisherOut]:
        """List the publishers that you may see, by name, with their keys; `search` is a part of the name."""
        found = await apps_service.list_publishers(core, workspace_id, actor, paging, search=search)
        return page(found, lambda each: publisher_out(*each))

    @router.get("/publishers/{publisher}")
    async def get_publisher(workspace_id: Workspace, actor: Reader, publisher: str) -> PublisherOut:
        """Return one publisher with its keys."""
        return publisher_out(*await apps_service.get_publisher(core, workspace_id, actor, publisher))

    @router.post("/publishers", status_code=201)
    async def register_publisher(
        workspace_id: Workspace, actor: Annotated[Actor, needs("publisher:manage")], body: PublisherIn
    ) -> PublisherOut:
        """Register a publisher and the public keys that it signs with."""
        keys = {str(profile): pem for profile, pem in body.keys.items()}
        publisher = await apps_service.register_publisher(core, workspace_id, actor, name=body.name, keys=keys)
        return publisher_out(*await apps_service.get_publisher(core, workspace_id, actor, publisher.id))

    @router.post("/publishers/{publisher}/keys", status_code=204)
    async def add_publisher_key(
        workspace_id: Workspace,
        actor: Annotated[Actor, needs("publisher:manage")],
        publisher: str,
        body: PublisherKeyIn,
    ) -> None:
        """Register the key with which a publisher signs in one tree."""
        await apps_service.add_publisher_key(core, workspace_id, actor, publisher, profile=body.profile, pem=body.pem)


def add_app_routes(router: APIRouter, core: Core) -> None:
    """Add the routes of apps, testers and uploads."""

    @router.get("/apps")
    async def list_apps(
        workspace_id: Workspace,
        actor: Reader,
        paging: Paged,
        wanted: Annotated[AppFilter, Depends(_app_filter)],
        sort: Literal["app", "-created"] = "app",
    ) -> Page[AppOut]:
        """List the apps that you may see, by id or the newest first."""
        found = await apps_service.list_apps(core, workspace_id, actor, wanted, paging, ORDERS[sort])
        return page(found, app_out)

    @router.post("/apps", status_code=201)
    async def create_app(
        workspace_id: Workspace, actor: Annotated[Actor, needs("app:create", scoped=True)], body: AppIn
    ) -> AppOut:
        """Register an app and ask the officers for its role."""
        app = await apps_service.create_app(
            core, workspace_id, actor, app_id=body.app, kind=body.kind, publisher_id=body.publisher
        )
        return app_out(apps_service.KnownApp(app, None, None, 0))

    @router.get("/apps/{app}")
    async def get_app(workspace_id: Workspace, actor: Reader, app: str) -> AppOut:
        """Return one app."""
        return app_out(await apps_service.get_app(core, workspace_id, actor, app))

    @router.get("/apps/{app}/testers")
    async def get_testers(workspace_id: Workspace, actor: Reader, app: str, paging: Paged) -> Page[TesterOut]:
        """List who may open the app's trial versions."""
        return page(await apps_service.get_testers(core, workspace_id, actor, app, paging), tester_out)

    @router.put("/apps/{app}/testers")
    async def set_testers(
        workspace_id: Workspace,
        actor: Annotated[Actor, needs("trial:manage", scoped=True)],
        app: str,
        body: TestersIn,
        paging: Paged,
    ) -> Page[TesterOut]:
        """Name exactly these devices and customers as testers, and list them."""
        await apps_service.set_testers(core, workspace_id, actor, app, devices=body.devices, customers=body.customers)
        return page(await apps_service.get_testers(core, workspace_id, actor, app, paging), tester_out)

    @router.patch("/apps/{app}/testers")
    async def change_testers(
        workspace_id: Workspace,
        actor: Annotated[Actor, needs("trial:manage", scoped=True)],
        app: str,
        body: TestersChangeIn,
        paging: Paged,
    ) -> Page[TesterOut]:
        """Name some more testers and take others from the list, whoever else is on it, and list them."""
        add, remove = [apps_service.subjects_of(each.devices, each.customers) for each in (body.add, body.remove)]
        await apps_service.change_testers(core, workspace_id, actor, app, add=add, remove=remove)
        return page(await apps_service.get_testers(core, workspace_id, actor, app, paging), tester_out)

    @router.post("/uploads", status_code=201, openapi_extra=RAW_BODY)
    async def upload(
        workspace_id: Workspace, actor: Annotated[Actor, needs("version:submit", scoped=True)], request: Request
    ) -> UploadOut:
        """Send the bytes of a package (the .ma file) as the raw body; submit a version from it within a day."""
        length = request.headers.get("content-length", "")
        declared = int(length) if length.isdecimal() else None
        found = await quarantine.receive(core, workspace_id, actor, request.stream(), declared_bytes=declared)
        return upload_out(found)

    @router.post("/apps/{app}/uploads/{upload}/inspect")
    async def inspect_upload(
        workspace_id: Workspace, actor: Annotated[Actor, needs("version:submit", scoped=True)], app: str, upload: str
    ) -> InspectionOut:
        """Look into your upload as a version of this app: intake and checks, before anybody signs; nothing is kept."""
        return inspection_out(await inspecting.inspect(core, workspace_id, actor, app, upload))
