"""HTTP for previews, below /console/api/v1."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from sampan.miniapps.preview_service import begin_preview
from sampan.miniapps.preview_sessions import PreviewPackage, make_token
from sampan.offline_packages.roles import index_path, package_path
from sampan.platform.artifacts import apps_service
from sampan.platform.core import Core
from sampan.platform.errors import Unavailable
from sampan.platform.hosts import HostNames, Place, Surface, origin, scheme_of
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.console_auth import Workspace, needs, refuse_foreign_origin
from sampan.platform.operators.console_bodies import Milliseconds
from sampan.platform.trust.profiles import INTL
from sampan.platform.workspaces.host_rows import hosts_of

Reader = Annotated[Actor, needs(apps_service.READ, scoped=True)]


class PreviewUnavailable(Unavailable):
    """Apps have no origins of their own here, and unreviewed code runs nowhere else."""

    code = "preview_unavailable"


class PreviewPackageOut(BaseModel):
    """A package that the preview serves; `index` and `package` are where this console fetches its bytes."""

    app: str
    sequence: int
    digest: str
    index: str
    package: str


class PreviewOut(BaseModel):
    """A preview session. The page at `boot` takes the packages from the console that began it, and from nobody else.

    `console` is this console on the site of the apps, for browsers that let no foreign site store anything.
    """

    console: str
    origin: str
    boot: str
    until_ms: Milliseconds
    packages: list[PreviewPackageOut]


def build_routes(core: Core) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["publishing"])
    names = hosts_of(core).names

    @router.post("/apps/{app}/versions/{sequence}/preview", status_code=201)
    async def preview(
        request: Request,
        workspace_id: Workspace,
        actor: Reader,
        app: str,
        sequence: Annotated[int, Path(ge=1, le=2**53 - 1)],
    ) -> PreviewOut:
        """Begin a preview of one version in an origin of its own, for a quarter of an hour; who may read it, may."""
        if not names.apps:
            raise PreviewUnavailable("Apps have no hosts of their own here. Set SAMPAN_BASE_HOST, then try again.")
        session = await begin_preview(core, workspace_id, actor, app, sequence, console_origin=_console_origin(request))
        own, *shared = session.packages
        return PreviewOut(
            console=origin(names, request.scope, names.console_name),
            origin=origin(names, request.scope, f"{session.label}.{names.apps}"),
            boot=f"/__boot?preview={make_token(core, session)}",
            until_ms=session.until_ms,
            packages=[_own(request, own), *(_published(workspace_id, each) for each in shared)],
        )

    def _console_origin(request: Request) -> str:
        if not is_console_name(request.scope["sampan_place"], names):
            usual = origin(names, request.scope, names.console_name)
            raise PreviewUnavailable(
                f"Nobody here knows {request.headers.get('host', '')!r} as a console. Open the console at {usual}, or "
                "say by SAMPAN_PUBLIC_URL where it is."
            )
        sent = request.headers.get("origin")
        if sent is not None:
            refuse_foreign_origin(request)
            parts = urlsplit(sent)
            return f"{parts.scheme}://{parts.netloc}"  # it becomes part of a policy: nothing behind the host
        return f"{scheme_of(names, request.scope)}://{request.headers.get('host', '')}"

    return router


def is_console_name(place: Place, names: HostNames) -> bool:
    """Whether a host that the caller chose can be a console of this server.

    The console named by a session may frame its origin, and whoever begins one writes the Host header: a publisher
    could have a page of its own elsewhere show unreviewed code on the apps' domain to anybody. Names that the settings
    know count, and those that nobody else's page can have: without a dot, loopback and private addresses.
    """
    name = place.name
    if place.surface is Surface.CONSOLE or (name and name == names.public):
        return True
    try:
        return not ip_address(name.strip("[]")).is_global
    except ValueError:
        return bool(name) and ("." not in name or name.endswith(".localhost"))


def _own(request: Request, package: PreviewPackage) -> PreviewPackageOut:
    prefix = request.scope.get("sampan_prefix", "")
    base = f"{prefix}/console/api/v1/apps/{package.id}/versions/{package.sequence}"
    return _out(package, f"{base}/index", f"{base}/package")


def _published(workspace_id: str, package: PreviewPackage) -> PreviewPackageOut:
    """Published packages are anybody's to fetch; the reviewer of one app may have no right to another's page."""
    base = f"/trust/{workspace_id}/{INTL.name}/targets"
    index, archive = index_path(package.id, package.sequence), package_path(package.id, package.sequence)
    return _out(package, _target(base, index, package.digest), _target(base, archive, package.archive_digest))


def _target(base: str, path: str, digest: str) -> str:
    folder, _slash, name = path.rpartition("/")
    return f"{base}/{folder}/{digest.removeprefix('sha256:')}.{name}"


def _out(package: PreviewPackage, index: str, archive: str) -> PreviewPackageOut:
    return PreviewPackageOut(
        app=package.id, sequence=package.sequence, digest=package.digest, index=index, package=archive
    )
