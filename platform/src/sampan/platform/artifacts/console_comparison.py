"""Console routes of a version's page: files, permissions and lines against an earlier version, and icons."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sampan.platform.artifacts import comparison_service as service
from sampan.platform.artifacts.comparing import FileChange, FileLine, SetChange
from sampan.platform.artifacts.console_versions import Reader, Sequence
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.operators.console_auth import Workspace
from sampan.platform.operators.console_paging import Page, Paged, listed

Against = Annotated[
    int | None,
    Query(
        ge=0, le=2**53 - 1, description="Sequence to compare with; left out: the last public one before; 0: nothing."
    ),
]
FilePath = Annotated[str, Query(min_length=1, max_length=1024, description="Path of a file in the package.")]
IMAGE_HEADERS = {
    "cache-control": "private, max-age=86400",
    "x-content-type-options": "nosniff",
    # An SVG that somebody opens by itself must not run on the console's origin.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
IMAGE: dict[int | str, dict[str, Any]] = {200: {"content": {kind: BINARY for _start, kind in service.IMAGES}}}


class VersionRef(BaseModel):
    """A version by its two names."""

    sequence: int
    version: str


class SetChangeOut(BaseModel):
    """What came to a list and what left it."""

    added: list[str]
    removed: list[str]
    same: list[str]


class PermissionChangesOut(BaseModel):
    """What the version may reach: bridge methods, network domains, domains in web views."""

    bridge: SetChangeOut
    network: SetChangeOut
    webview: SetChangeOut


class ComparisonOut(BaseModel):
    """What a version changes; `against` is null when there was no public version before it."""

    against: VersionRef | None
    files: dict[FileChange, int]
    size_bytes: int
    old_size_bytes: int | None
    permissions: PermissionChangesOut
    pages: SetChangeOut
    dependencies: SetChangeOut


class FileChangeOut(BaseModel):
    """One file before and after; sizes in bytes."""

    path: str
    change: FileChange
    size: int | None
    digest: str | None
    old_size: int | None
    old_digest: str | None

    @classmethod
    def of(cls, line: FileLine) -> "FileChangeOut":
        """Return the answer for a file."""
        return cls(**{name: getattr(line, name) for name in cls.model_fields})


class DiffLineOut(BaseModel):
    """A line with its numbers; where the numbers jump, lines that are the same were left out."""

    change: FileChange
    old_line: int | None
    line: int | None
    text: str


class FileDiffOut(BaseModel):
    """The changed lines of a file. `refusal` is empty, `too_large`, `too_many_lines` or `not_text`."""

    path: str
    lines: list[DiffLineOut]
    is_cut: bool
    refusal: str


def add_comparison_routes(router: APIRouter, core: Core) -> None:
    """Add the routes."""

    @router.get("/apps/{app}/versions/{sequence}/comparison")
    async def comparison(
        workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence, against: Against = None
    ) -> ComparisonOut:
        """Tell what a version changes against the last public one before it: files, permissions, pages."""
        return _comparison_out(await service.compare(core, workspace_id, actor, app, sequence, against=against))

    @router.get("/apps/{app}/versions/{sequence}/files")
    async def files(
        workspace_id: Workspace,
        actor: Reader,
        app: str,
        sequence: Sequence,
        paging: Paged,
        against: Against = None,
        change: Annotated[list[FileChange] | None, Query(description="Repeat for more than one.")] = None,
    ) -> Page[FileChangeOut]:
        """List the files of a version by path, with what became of each."""
        found = await service.compare(core, workspace_id, actor, app, sequence, against=against)
        lines = [line for line in found.files if change is None or line.change in change]
        return listed([FileChangeOut.of(line) for line in lines], paging, key=lambda line: line.path)

    @router.get("/apps/{app}/versions/{sequence}/diff")
    async def diff(
        workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence, path: FilePath, against: Against = None
    ) -> FileDiffOut:
        """Show the changed lines of a text file; with `against=0`, all of them."""
        found = await service.diff_of_file(core, workspace_id, actor, app, sequence, path, against=against)
        lines = [
            DiffLineOut(change=each.change, old_line=each.old_line, line=each.line, text=each.text)
            for each in found.lines
        ]
        return FileDiffOut(path=path, lines=lines, is_cut=found.is_cut, refusal=found.refusal)

    @router.get("/apps/{app}/icon", response_class=Response, responses=IMAGE)
    async def app_icon(workspace_id: Workspace, actor: Reader, app: str, request: Request) -> Response:
        """Return the icon of an app as its highest public version has it."""
        return _image(request, await service.icon_of(core, workspace_id, actor, app))

    @router.get("/apps/{app}/versions/{sequence}/icon", response_class=Response, responses=IMAGE)
    async def version_icon(
        workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence, request: Request
    ) -> Response:
        """Return the icon of a version."""
        return _image(request, await service.icon_of(core, workspace_id, actor, app, sequence))


def _image(request: Request, image: service.Image) -> Response:
    etag = f'"{image.digest}"'
    headers = {**IMAGE_HEADERS, "etag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(image.data, media_type=image.media_type, headers=headers)


def _comparison_out(found: service.Comparison) -> ComparisonOut:
    counts = {change: sum(line.change is change for line in found.files) for change in FileChange}
    return ComparisonOut(
        against=_ref(found.against) if found.against else None,
        files=counts,
        size_bytes=found.version.package.archive_bytes,
        old_size_bytes=found.against.package.archive_bytes if found.against else None,
        permissions=PermissionChangesOut(
            bridge=_set_out(found.bridge), network=_set_out(found.network), webview=_set_out(found.webview)
        ),
        pages=_set_out(found.pages),
        dependencies=_set_out(found.dependencies),
    )


def _ref(version: Version) -> VersionRef:
    return VersionRef(sequence=version.sequence, version=version.package.version)


def _set_out(change: SetChange) -> SetChangeOut:
    return SetChangeOut(added=list(change.added), removed=list(change.removed), same=list(change.same))
