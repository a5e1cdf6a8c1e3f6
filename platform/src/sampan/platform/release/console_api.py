"""Releases for people: typed bodies, one use case each."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from sampan.platform.core import Core
from sampan.platform.operators.console_auth import Signed, Workspace, needs
from sampan.platform.operators.console_paging import Page, Paged, page
from sampan.platform.release import repository, service
from sampan.platform.release.repository import HistoryEntry, Release
from sampan.platform.release.states import MOVES, ReleaseState

ORDERS = {order.name: order for order in (repository.NEWEST, repository.OLDEST, repository.LAST_CHANGED)}


class ReleaseDraft(BaseModel):
    """A release to be made."""

    kind: str = Field("miniapp", description="Deliverable kind, such as miniapp or shared.")
    id: str = Field(description="Id of the deliverable: for a mini-app its app id.", max_length=200)
    sequence: int = Field(description="Sequence of the published version.", ge=1)
    audience: dict[str, Any] = Field(description="Rule tree: who gets it.")
    client_app: str | None = Field(None, description="Only this client app; null means every one.")
    update_mode: str = Field("async", description="async or sync.")
    rollback_to: int | None = Field(None, description="Sequence that one person may roll back to.")


class Cause(BaseModel):
    """Why something is done; shown in the history."""

    cause: str = Field("", max_length=2000)


class Kill(BaseModel):
    """A version to be forbidden on every device."""

    kind: str = "miniapp"
    id: str = Field(max_length=200)
    sequence: int = Field(ge=1)
    reason: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="Code of the text that the shell shows.")
    cause: str = Field(min_length=1, max_length=2000)


class HistoryItem(BaseModel):
    """A state that the release was in."""

    state: ReleaseState
    cause: str
    by: str
    at_ms: int


class ReleaseOut(BaseModel):
    """A release as it stands. `moves` are the verbs that its state allows."""

    id: str
    kind: str
    deliverable: str
    sequence: int
    version: str
    digest: str
    audience: dict[str, Any]
    client_app: str | None
    update_mode: str
    rollback_to: int | None
    state: ReleaseState
    cause: str
    made_by: str
    created_ms: int
    changed_ms: int
    moves: list[str]


class ReleaseDetail(ReleaseOut):
    """A release with its history."""

    history: list[HistoryItem]


class SubmittedOut(BaseModel):
    """The change request that now waits for a second person."""

    change: str
    digest: str


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["releases"])

    @router.get("/releases", dependencies=[needs("release:read")])
    async def list_releases(
        workspace_id: Workspace,
        _actor: Signed,
        paging: Paged,
        deliverable: Annotated[str | None, Query(description="Id of the deliverable, such as an app id.")] = None,
        state: ReleaseState | None = None,
        client_app: str | None = None,
        sort: Literal["-created", "created", "-changed"] = "-created",
    ) -> Page[ReleaseOut]:
        """List releases, the newest first."""
        async with core.store.workspace(workspace_id).read() as tx:
            found = await repository.page_releases(
                tx, paging, ORDERS[sort], deliverable_id=deliverable, state=state, client_app=client_app
            )
        return page(found, _out)

    @router.post("/releases", status_code=201, dependencies=[needs("release:create")])
    async def create_release(workspace_id: Workspace, actor: Signed, body: ReleaseDraft) -> ReleaseOut:
        """Make a draft."""
        draft = service.Draft(
            kind=body.kind,
            deliverable_id=body.id,
            sequence=body.sequence,
            audience=body.audience,
            client_app=body.client_app,
            update_mode=body.update_mode,
            rollback_to=body.rollback_to,
        )
        return _out(await service.create_release(core, workspace_id, actor, draft))

    @router.get("/releases/{release_id}", dependencies=[needs("release:read")])
    async def get_release(workspace_id: Workspace, _actor: Signed, release_id: str) -> ReleaseDetail:
        """Return a release with its history."""
        async with core.store.workspace(workspace_id).read() as tx:
            release = await repository.get_release(tx, release_id)
            entries = await repository.history(tx, release_id)
        return ReleaseDetail(**_out(release).model_dump(), history=[_entry(entry) for entry in entries])

    @router.post("/releases/{release_id}/submit", dependencies=[needs("release:submit")])
    async def submit(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> SubmittedOut:
        """Ask for approval; approving the change request starts the release."""
        change = await service.submit_release(core, workspace_id, actor, release_id, note=body.cause)
        return SubmittedOut(change=change.id, digest=change.digest)

    @router.post("/releases/{release_id}/resume", dependencies=[needs("release:submit")])
    async def resume(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> SubmittedOut:
        """Ask to go on with a paused release."""
        change = await service.propose_resume(core, workspace_id, actor, release_id, note=body.cause)
        return SubmittedOut(change=change.id, digest=change.digest)

    @router.post("/releases/{release_id}/pause", dependencies=[needs("release:stop")])
    async def pause(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> ReleaseOut:
        """Make no new offers for now."""
        return _out(await service.pause_release(core, workspace_id, actor, release_id, cause=body.cause))

    @router.post("/releases/{release_id}/complete", dependencies=[needs("release:submit")])
    async def complete(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> ReleaseOut:
        """Mark the rollout as done; it keeps offering."""
        return _out(await service.complete_release(core, workspace_id, actor, release_id, cause=body.cause))

    @router.post("/releases/{release_id}/stop", dependencies=[needs("release:stop")])
    async def stop(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> ReleaseOut:
        """End the release for good; what is installed stays."""
        return _out(await service.stop_release(core, workspace_id, actor, release_id, cause=body.cause))

    @router.post("/releases/{release_id}/rollback", dependencies=[needs("release:stop")])
    async def roll_back(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> ReleaseOut:
        """Take devices back to the version that was approved with the release."""
        return _out(await service.roll_back_release(core, workspace_id, actor, release_id, cause=body.cause))

    @router.post("/kills", status_code=204, dependencies=[needs("release:kill")])
    async def kill(workspace_id: Workspace, actor: Signed, body: Kill) -> None:
        """Forbid a version on every device after its next contact."""
        await service.kill_version(
            core,
            workspace_id,
            actor,
            kind=body.kind,
            deliverable_id=body.id,
            sequence=body.sequence,
            reason=body.reason,
            cause=body.cause,
        )

    return router


def _out(release: Release) -> ReleaseOut:
    moves = sorted(verb for verb, (sources, _target) in MOVES.items() if release.state in sources)
    return ReleaseOut(
        id=release.id,
        kind=release.kind,
        deliverable=release.deliverable_id,
        sequence=release.sequence,
        version=release.version,
        digest=release.digest,
        audience=dict(release.audience),
        client_app=release.client_app,
        update_mode=release.update_mode,
        rollback_to=release.rollback_to,
        state=release.state,
        cause=release.cause,
        made_by=release.made_by,
        created_ms=release.created_ms,
        changed_ms=release.changed_ms,
        moves=moves,
    )


def _entry(entry: HistoryEntry) -> HistoryItem:
    return HistoryItem(state=entry.state, cause=entry.cause, by=entry.made_by, at_ms=entry.at_ms)
