"""Tags for people and for the bank's own systems: typed bodies, one use case each."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from sampan.platform.audience import tag_import, tags_service
from sampan.platform.audience.console_uses_view import UseOut, use_key, use_view
from sampan.platform.audience.members import Column
from sampan.platform.audience.problems import TagImportUnknown
from sampan.platform.audience.references import uses_of
from sampan.platform.audience.tag_import_files import report_key
from sampan.platform.audience.tag_import_rows import (
    ImportState,
    Mode,
    TagImport,
    get_import,
    last_imports,
    page_imports,
)
from sampan.platform.audience.tag_rows import Tag, list_tags
from sampan.platform.core import Core
from sampan.platform.engines.paging import page_of
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_paging import Page, Paged, listed, page

CSV_BODY = {"requestBody": {"required": True, "content": {"text/csv": {}}}}
Reader = Annotated[Actor, needs("tag:read")]
Editor = Annotated[Actor, needs("tag:edit")]


class TagIn(BaseModel):
    """A tag to be made."""

    name: str = Field(description="What rules call it; it never changes.", max_length=64)
    title: str = Field("", description="What people read.", max_length=tags_service.MAX_TITLE)


class TitleIn(BaseModel):
    """The new title of a tag."""

    title: str = Field(max_length=tags_service.MAX_TITLE)


class MembersIn(BaseModel):
    """Who gets the tag and who loses it; all of it happens, or with an unknown id nothing."""

    column: Column = Field(Column.CUSTOMER, description="What the ids are of.")
    add: list[str] = Field(default=[], max_length=tags_service.MAX_IDS)
    remove: list[str] = Field(default=[], max_length=tags_service.MAX_IDS)


class ImportOut(BaseModel):
    """A file of ids on its way into a tag: `taken` and `refused` lines together are all that were not blank."""

    id: str
    tag: str
    mode: Mode
    state: ImportState
    size_bytes: int
    read_bytes: int
    lines: int
    taken: int
    refused: int
    members_before: int | None
    members_after: int | None
    cause: str
    made_by: str
    created_ms: int
    changed_ms: int


class TagOut(BaseModel):
    """A tag; `members` counts customers and visitors' devices as this server knows them."""

    name: str
    title: str
    members: int
    made_by: str
    created_ms: int
    changed_ms: int
    last_import: ImportOut | None = Field(description="The newest import into it.")


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["tags"])
    _add_tags(router, core)
    _add_imports(router, core)
    return router


def _add_tags(router: APIRouter, core: Core) -> None:
    def shown(workspace_id: str, tag: Tag, last: TagImport | None = None) -> TagOut:
        members = tags_service.states_of(core, workspace_id).members.get(tag.name, ())
        return TagOut(
            name=tag.name,
            title=tag.title,
            members=len(members),
            made_by=tag.made_by,
            created_ms=tag.created_ms,
            changed_ms=tag.changed_ms,
            last_import=_out(last) if last else None,
        )

    @router.get("/tags")
    async def list_page(
        workspace_id: Workspace,
        _actor: Reader,
        paging: Paged,
        search: Annotated[str, Query(max_length=100, description="A part of the name or of the title.")] = "",
    ) -> Page[TagOut]:
        """List tags by name."""
        wanted = search.strip().casefold()
        async with core.store.workspace(workspace_id).read() as tx:
            fits = [tag for tag in await list_tags(tx) if wanted in f"{tag.name}\n{tag.title}".casefold()]
            found = page_of(fits, paging, key=lambda tag: tag.name)
            last = await last_imports(tx, [tag.name for tag in found.items])
        return page(found, lambda tag: shown(workspace_id, tag, last.get(tag.name)))

    @router.post("/tags", status_code=201)
    async def create(workspace_id: Workspace, actor: Editor, body: TagIn) -> TagOut:
        """Make a tag without members."""
        return shown(workspace_id, await tags_service.create_tag(core, workspace_id, actor, body.name, body.title))

    @router.get("/tags/{tag}")
    async def get_one(workspace_id: Workspace, _actor: Reader, tag: str) -> TagOut:
        """Return a tag."""
        async with core.store.workspace(workspace_id).read() as tx:
            found, last = await tags_service.known_tag(tx, tag), await last_imports(tx, [tag])
        return shown(workspace_id, found, last.get(tag))

    @router.get("/tags/{tag}/uses")
    async def uses(workspace_id: Workspace, _actor: Reader, tag: str, paging: Paged) -> Page[UseOut]:
        """List what names a tag in its rules; while anything does, the tag cannot be deleted."""
        async with core.store.workspace(workspace_id).read() as tx:
            await tags_service.known_tag(tx, tag)
            found = await uses_of(core, tx, tag=tag)
        return listed([use_view(use) for use in found], paging, key=use_key)

    @router.patch("/tags/{tag}")
    async def rename(workspace_id: Workspace, actor: Editor, tag: str, body: TitleIn) -> TagOut:
        """Change the title."""
        return shown(workspace_id, await tags_service.rename_tag(core, workspace_id, actor, tag, body.title))

    @router.delete("/tags/{tag}", status_code=204)
    async def delete(workspace_id: Workspace, actor: Editor, tag: str) -> None:
        """Remove a tag that no rule names."""
        await tags_service.delete_tag(core, workspace_id, actor, tag)

    @router.post("/tags/{tag}/members", status_code=204)
    async def change_members(workspace_id: Workspace, actor: Editor, tag: str, body: MembersIn) -> None:
        """Give the tag to some and take it from others; in force in under a second."""
        await tags_service.change_members(core, workspace_id, actor, tag, body.column, add=body.add, remove=body.remove)


def _add_imports(router: APIRouter, core: Core) -> None:
    @router.post("/tags/{tag}/imports", status_code=202, openapi_extra=CSV_BODY)
    async def begin(
        workspace_id: Workspace,
        actor: Editor,
        tag: str,
        request: Request,
        mode: Annotated[Mode, Query(description="What the ids of the file are for.")] = Mode.ADD,
    ) -> ImportOut:
        """Send a file of ids: the first line names the column, then one id a line. It is read in the background."""
        return _out(await tag_import.receive(core, workspace_id, actor, tag, mode, request.stream()))

    @router.get("/tags/{tag}/imports")
    async def list_imports(
        workspace_id: Workspace, _actor: Reader, tag: str, paging: Paged, sort: Literal["-created"] = "-created"
    ) -> Page[ImportOut]:
        """List the imports into a tag, the newest first."""
        async with core.store.workspace(workspace_id).read() as tx:
            await tags_service.known_tag(tx, tag)
            return page(await page_imports(tx, tag, paging), _out)

    @router.get("/tags/{tag}/imports/{import_id}")
    async def get_import_state(workspace_id: Workspace, _actor: Reader, tag: str, import_id: str) -> ImportOut:
        """Return how far an import is."""
        async with core.store.workspace(workspace_id).read() as tx:
            return _out(await get_import(tx, tag, import_id))

    @router.get("/tags/{tag}/imports/{import_id}/refused", response_class=Response)
    async def refused_lines(workspace_id: Workspace, _actor: Editor, tag: str, import_id: str) -> Response:
        """Return every refused line as CSV: its number, the id, and a code."""
        async with core.store.workspace(workspace_id).read() as tx:
            found = await get_import(tx, tag, import_id)
        if found.state is not ImportState.DONE:
            raise TagImportUnknown("The import has not come to its end yet, so there is no report.")
        key = report_key(workspace_id, import_id)
        headers = {"content-disposition": f'attachment; filename="{tag}-{import_id}-refused.csv"'}
        return StreamingResponse(core.objects.read(key), media_type="text/csv", headers=headers)


def _out(made: TagImport) -> ImportOut:
    progress = made.progress
    return ImportOut(
        id=made.id,
        tag=made.tag,
        mode=made.mode,
        state=made.state,
        size_bytes=progress.size_bytes,
        read_bytes=progress.read_bytes,
        lines=progress.lines,
        taken=progress.taken,
        refused=progress.refused,
        members_before=progress.members_before,
        members_after=progress.members_after,
        cause=made.cause,
        made_by=made.made_by,
        created_ms=made.created_ms,
        changed_ms=made.changed_ms,
    )
