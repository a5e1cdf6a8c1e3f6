"""CodePush for people: apps, deployments, history, numbers; typed bodies, one use case each."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from sampan.codepush import releasing, repository, service
from sampan.codepush.records import App, Count, Deployment, Method, Release, State
from sampan.codepush.releasing import Done, Wanted
from sampan.platform.core import Core
from sampan.platform.operators.console_auth import Signed, Workspace, needs
from sampan.platform.operators.console_paging import Page, Paged, page

AppName = Annotated[str, Path(alias="codepush_app", max_length=100, description="Name of the CodePush app.")]
DeploymentName = Annotated[str, Path(alias="codepush_deployment", max_length=100, description="Name, as Production.")]
Label = Annotated[str, Path(alias="label", max_length=16, description="Label of a release, as v3.")]
PLACE = "/codepush/apps/{codepush_app}/deployments/{codepush_deployment}"


class NewCodePushApp(BaseModel, extra="forbid"):
    """An app to be made, without deployments."""

    name: str = Field(max_length=100)
    os: str = Field("", max_length=32)
    platform: str = Field("React-Native", max_length=32)


class CodePushAppOut(BaseModel):
    """An app."""

    name: str
    os: str
    platform: str
    made_by: str
    created_ms: int


class NewCodePushDeployment(BaseModel, extra="forbid"):
    """A deployment to be made."""

    name: str = Field(max_length=100)
    key: str = Field("", max_length=64, description="The key that an app was built with; empty for a new one.")


class CodePushDeploymentOut(BaseModel):
    """A deployment and its newest label."""

    name: str
    key: str
    public_key: str = Field(description="PEM; empty as long as none is approved: then no bundle is taken.")
    public_key_fingerprint: str
    latest: "CodePushReleaseOut | None"
    created_ms: int


class PublicKeyIn(BaseModel, extra="forbid"):
    """The key that bundles must be signed with; apps are built with the same."""

    public_key: str = Field(max_length=10_000, description="PEM of an RSA key of at least 2,048 bits.")


class CodePushChangeOut(BaseModel):
    """The change request that a second person approves, with the digest of what is approved."""

    change: str
    digest: str


class CodePushReleaseOut(BaseModel):
    """A label: what it gives to whom. One that is not `approved` is given to nobody."""

    label: str
    state: State
    package_hash: str
    size_bytes: int
    app_version: str
    description: str
    is_disabled: bool
    is_mandatory: bool
    rollout: int = Field(description="Percent of the devices.")
    method: Method
    original_label: str
    original_deployment: str
    change: str = Field(description="The change request by which it was approved or waits; empty for a roll-back.")
    released_by: str
    created_ms: int


class CodePushDoneOut(CodePushReleaseOut):
    """A label after what was asked, or as it still is while a change request waits."""

    waiting_change: str | None


class CodePushPatch(BaseModel, extra="forbid"):
    """What shall change of a release; what is left out stays."""

    app_version: str | None = Field(None, max_length=100)
    description: str | None = Field(None, max_length=releasing.MAX_DESCRIPTION)
    is_disabled: bool | None = None
    is_mandatory: bool | None = None
    rollout: int | None = Field(None, ge=1, le=100)


class CodePushPromotion(CodePushPatch):
    """Where a label shall go too."""

    into: str = Field(max_length=100, description="Name of the other deployment of the app.")


class CodePushRollBack(BaseModel, extra="forbid"):
    """Which label to go back to."""

    label: str = Field("", max_length=16, description="Empty: the last one before that was approved for everybody.")


class CodePushCountOut(BaseModel):
    """What devices reported of a label, or of a binary version without one."""

    label: str
    active: int
    downloaded: int
    installed: int
    failed: int


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["codepush"])

    @router.get("/codepush/apps", dependencies=[needs(service.READ)])
    async def list_codepush_apps(workspace_id: Workspace, _actor: Signed, paging: Paged) -> Page[CodePushAppOut]:
        """List CodePush apps by name."""
        async with core.store.workspace(workspace_id).read() as tx:
            return page(await repository.page_apps(tx, paging), _app)

    @router.post("/codepush/apps", status_code=201, dependencies=[needs(service.EDIT)])
    async def make_codepush_app(workspace_id: Workspace, actor: Signed, body: NewCodePushApp) -> CodePushAppOut:
        """Make an app; its deployments are made one by one."""
        return _app(await service.add_app(core, workspace_id, actor, body.name, body.os, body.platform))

    @router.get("/codepush/apps/{codepush_app}/deployments", dependencies=[needs(service.READ)])
    async def list_codepush_deployments(
        workspace_id: Workspace, _actor: Signed, app: AppName, paging: Paged
    ) -> Page[CodePushDeploymentOut]:
        """List an app's deployments by name, with their keys and newest labels."""
        async with core.store.workspace(workspace_id).read() as tx:
            found = await repository.page_deployments(tx, (await service.present_app(tx, app)).id, paging)
            newest = await repository.newest_of(tx, [each.id for each in found.items])
        return page(found, lambda each: _deployment(each, newest.get(each.id)))

    @router.post("/codepush/apps/{codepush_app}/deployments", status_code=201, dependencies=[needs(service.EDIT)])
    async def make_codepush_deployment(
        workspace_id: Workspace, actor: Signed, app: AppName, body: NewCodePushDeployment
    ) -> CodePushDeploymentOut:
        """Make a deployment, with a new key or the one that apps have already."""
        made = await service.add_deployment(core, workspace_id, actor, app, body.name, body.key)
        return _deployment(made, None)

    @router.put(f"{PLACE}/public-key", status_code=202, dependencies=[needs(service.EDIT)])
    async def propose_codepush_key(
        workspace_id: Workspace, actor: Signed, app: AppName, deployment: DeploymentName, body: PublicKeyIn
    ) -> CodePushChangeOut:
        """Ask that bundles are signed with this key; a second person approves it."""
        change = await service.propose_key(core, workspace_id, actor, app, deployment, body.public_key)
        return CodePushChangeOut(change=change.id, digest=change.digest)

    @router.get(f"{PLACE}/releases", dependencies=[needs(service.READ)])
    async def list_codepush_releases(
        workspace_id: Workspace, _actor: Signed, app: AppName, deployment: DeploymentName, paging: Paged
    ) -> Page[CodePushReleaseOut]:
        """List a deployment's labels, the newest first."""
        async with core.store.workspace(workspace_id).read() as tx:
            _app, found = await service.present_deployment(tx, app, deployment)
            return page(await repository.page_releases(tx, found.id, paging), _release)

    @router.get(f"{PLACE}/metrics", dependencies=[needs(service.READ)])
    async def list_codepush_metrics(
        workspace_id: Workspace, _actor: Signed, app: AppName, deployment: DeploymentName, paging: Paged
    ) -> Page[CodePushCountOut]:
        """List what devices reported, by label or binary version."""
        async with core.store.workspace(workspace_id).read() as tx:
            _app, found = await service.present_deployment(tx, app, deployment)
            return page(await repository.page_counts(tx, found.id, paging), _count)

    @router.patch(f"{PLACE}/releases/{{label}}")
    async def patch_codepush_release(
        workspace_id: Workspace,
        actor: Signed,
        app: AppName,
        deployment: DeploymentName,
        label: Label,
        body: CodePushPatch,
    ) -> CodePushDoneOut:
        """Disable a release or make it optional at once; anything else becomes a change request."""
        done = await releasing.patch(core, workspace_id, actor, app, deployment, Wanted(**body.model_dump()), label)
        return _done(done)

    @router.post(f"{PLACE}/releases/{{label}}/promote", status_code=201, dependencies=[needs(service.EDIT)])
    async def promote_codepush_release(
        workspace_id: Workspace,
        actor: Signed,
        app: AppName,
        deployment: DeploymentName,
        label: Label,
        body: CodePushPromotion,
    ) -> CodePushDoneOut:
        """Release a label in another deployment too, by a change request."""
        wanted = Wanted(**body.model_dump(exclude={"into"}))
        done = await releasing.promote(core, workspace_id, actor, app, deployment, body.into, wanted, label)
        return _done(done)

    @router.post(f"{PLACE}/rollback", status_code=201, dependencies=[needs(service.LOWER)])
    async def roll_back_codepush(
        workspace_id: Workspace, actor: Signed, app: AppName, deployment: DeploymentName, body: CodePushRollBack
    ) -> CodePushDoneOut:
        """Give out an earlier approved label's content again, at once, under a new label."""
        return _done(await releasing.roll_back(core, workspace_id, actor, app, deployment, body.label))

    return router


def _app(app: App) -> CodePushAppOut:
    return CodePushAppOut(
        name=app.name, os=app.os, platform=app.platform, made_by=app.made_by, created_ms=app.created_ms
    )


def _deployment(deployment: Deployment, latest: Release | None) -> CodePushDeploymentOut:
    return CodePushDeploymentOut(
        name=deployment.name,
        key=deployment.key,
        public_key=deployment.public_key,
        public_key_fingerprint=service.fingerprint(deployment.public_key),
        latest=_release(latest) if latest else None,
        created_ms=deployment.created_ms,
    )


def _release(release: Release) -> CodePushReleaseOut:
    return CodePushReleaseOut(**_members(release))


def _done(done: Done) -> CodePushDoneOut:
    return CodePushDoneOut(**_members(done.release), waiting_change=done.change or None)


def _members(release: Release) -> dict[str, object]:
    return {
        "label": release.label,
        "state": release.state,
        "package_hash": release.package_hash,
        "size_bytes": release.size_bytes,
        "method": release.method,
        "original_label": release.original_label,
        "original_deployment": release.original_deployment,
        "change": release.change_id,
        "released_by": release.released_by,
        "created_ms": release.created_ms,
        **release.served.plain(),
    }


def _count(count: Count) -> CodePushCountOut:
    return CodePushCountOut(
        label=count.label,
        active=count.active,
        downloaded=count.downloaded,
        installed=count.installed,
        failed=count.failed,
    )
