"""Begin a preview: who may read the bytes of a version may see it run, in the console, before anybody approves it."""

from sampan.miniapps.kind_names import MINIAPP
from sampan.miniapps.preview_sessions import LIFE_MS, PreviewPackage, PreviewSession, new_nonce
from sampan.platform.artifacts.content_service import readable_version
from sampan.platform.artifacts.published import PART as PUBLISHED
from sampan.platform.artifacts.published import PublishedVersion
from sampan.platform.artifacts.versions_repository import Dependency
from sampan.platform.core import Core
from sampan.platform.errors import Conflict
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor


class PreviewDependencyMissing(Conflict):
    """The version mounts a shared package of which no published version fits."""

    code = "preview_dependency_missing"


class PreviewNotOpenable(Conflict):
    """The version is a shared package: other packages mount it, it has no pages of its own to show."""

    code = "preview_not_openable"


async def begin_preview(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, *, console_origin: str
) -> PreviewSession:
    """Return a new session for one version, noted in the audit.

    Raises `VersionUnknown` and `MissingPermission` as reading the package does, `PreviewNotOpenable` or
    `PreviewDependencyMissing`.
    """
    version = await readable_version(core, workspace_id, actor, app_id, sequence)
    package = version.package
    if package.kind != MINIAPP:
        raise PreviewNotOpenable("A shared package has no pages of its own. Preview an app that mounts it.")
    now_ms = core.now_ms()
    session = PreviewSession(
        workspace_id=workspace_id,
        nonce=new_nonce(),
        console_origin=console_origin,
        packages=(
            PreviewPackage(app_id, sequence, package.package_digest, package.archive_digest),
            *(_shared(core, workspace_id, each) for each in package.dependencies),
        ),
        until_ms=now_ms + LIFE_MS,
    )
    async with core.store.workspace(workspace_id).write() as tx:
        detail = {"sequence": sequence, "package": package.package_digest}
        await audit.record(tx, actor, "version.preview", target=app_id, detail=detail, now_ms=now_ms)
    return session


def _shared(core: Core, workspace_id: str, wanted: Dependency) -> PreviewPackage:
    published: tuple[PublishedVersion, ...] = core.replica.view(workspace_id).parts[PUBLISHED].get(wanted.id, ())
    for each in published:
        if _fits(each, wanted):
            return PreviewPackage(each.app_id, each.sequence, each.digest, each.archive_digest)
    raise PreviewDependencyMissing(
        f"No published version of {wanted.id} is the one that this version mounts. Publish that one first.",
        dependency=wanted.id,
    )


def _fits(found: PublishedVersion, wanted: Dependency) -> bool:
    if wanted.digest is not None:
        return found.digest == wanted.digest
    return (wanted.min_sequence or 0) <= found.sequence <= (wanted.max_sequence or 0)
