"""Planning releases, for people: drafts are edited and checked; what can be gone back to; places that are taken."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from msgspec.structs import asdict
from pydantic import BaseModel, Field

from sampan.platform.core import Core
from sampan.platform.operators.console_auth import Signed, Workspace, needs
from sampan.platform.release import cap_rows, checking, drafts, repository
from sampan.platform.release.console_api import (
    MAX_MS,
    CapBody,
    ClientRulesBody,
    ReleaseDraft,
    ReleaseOut,
    ScheduleBody,
    StageBody,
    draft_of,
    plan_of,
    release_out,
)
from sampan.platform.release.rolling_back import rollback_targets


class ReleaseEdit(BaseModel, extra="forbid"):
    """What is to change in a draft; what is left out stays. `changed_ms` is the draft's that you saw."""

    changed_ms: int = Field(ge=0, le=MAX_MS, description="As it was read; refused when it is another by now.")
    sequence: int = Field(0, description="Sequence of the published version.", ge=1)
    audience: dict[str, Any] = Field(default_factory=dict, description="Rule tree: who gets it.")
    client_app: str | None = Field(None, description="Only this client app; null means every one.")
    update_mode: str = Field("async", description="async or sync.")
    rollback_to: int | None = Field(None, description="Sequence that one person may roll back to.")
    stages: list[StageBody] | None = Field(None, description="The plan, first stage first; null: everybody at once.")
    schedule: ScheduleBody = Field(default_factory=lambda: ScheduleBody(), description="When it may start and move on.")
    cap: CapBody | None = Field(None, description="To so many customers and no more; null: no limit.")
    client_rules: ClientRulesBody = Field(default_factory=lambda: ClientRulesBody(), description="How clients take it.")


class ObjectionOut(BaseModel):
    """A sentence about a release; `release` is the other one where two are in conflict."""

    code: str
    field: str
    zh: str
    en: str
    release: str | None


class ReleaseChecked(BaseModel):
    """What certainly speaks against the release, so that it cannot be submitted, and what is worth knowing."""

    conflicts: list[ObjectionOut]
    warnings: list[ObjectionOut]


class AlsoOut(BaseModel):
    """A release that would be rolled back too, because its version would be offered instead of the target."""

    release: str
    version: str


class TargetOut(BaseModel):
    """A version that devices can go back to."""

    sequence: int
    version: str
    also: list[AlsoOut]


class TargetsOut(BaseModel):
    """The versions to go back to, the highest first."""

    targets: list[TargetOut]


class PlacesOut(BaseModel):
    """How many places of a capped release are taken; `is_closed`: nobody new gets one any more."""

    places: int
    taken: int
    is_closed: bool


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["releases"])

    @router.patch("/releases/{release_id}", dependencies=[needs("release:create")])
    async def edit_release(workspace_id: Workspace, actor: Signed, release_id: str, body: ReleaseEdit) -> ReleaseOut:
        """Change a draft; a release that waits for approval is sent back first."""
        edited = _edits(body)
        return release_out(
            await drafts.edit_release(
                core,
                workspace_id,
                actor,
                release_id,
                lambda draft: replace(draft, **edited),
                seen_ms=body.changed_ms,
            )
        )

    @router.post("/releases/check", dependencies=[needs("release:create")])
    async def check_draft(workspace_id: Workspace, actor: Signed, body: ReleaseDraft) -> ReleaseChecked:
        """Say what speaks against a draft that is not saved yet."""
        return _checked(await checking.check_draft(core, workspace_id, actor, draft_of(body)))

    @router.post("/releases/{release_id}/check", dependencies=[needs("release:read")])
    async def check(workspace_id: Workspace, actor: Signed, release_id: str) -> ReleaseChecked:
        """Say what speaks against the release, before it is submitted."""
        return _checked(await checking.check_release(core, workspace_id, actor, release_id))

    @router.get("/releases/{release_id}/rollback-targets", dependencies=[needs("release:read")])
    async def list_rollback_targets(workspace_id: Workspace, _actor: Signed, release_id: str) -> TargetsOut:
        """List the versions that the release can be rolled back to, and what else would be rolled back."""
        async with core.store.workspace(workspace_id).read() as tx:
            release = await repository.get_release(tx, release_id)
            found = await rollback_targets(core, tx, release)
        return TargetsOut(
            targets=[
                TargetOut(
                    sequence=each.deliverable.sequence,
                    version=each.deliverable.version,
                    also=[AlsoOut(release=other.id, version=other.version) for other in each.also],
                )
                for each in found
            ]
        )

    @router.get("/releases/{release_id}/places", dependencies=[needs("release:read")])
    async def places(workspace_id: Workspace, _actor: Signed, release_id: str) -> PlacesOut:
        """Say how many places of a capped release are taken; 0 of 0 for one without a cap."""
        async with core.store.workspace(workspace_id).read() as tx:
            release = await repository.get_release(tx, release_id)
            found = await cap_rows.places_of(tx, release_id)
        places = release.cap.customers if release.cap is not None else 0
        return PlacesOut(**asdict(found or cap_rows.Places(places, 0, is_closed=release.cap is None)))

    return router


def _edits(body: ReleaseEdit) -> dict[str, Any]:
    """Return the members of a draft that the body names, as `Draft` holds them."""
    found = {name: getattr(body, name) for name in body.model_fields_set - {"changed_ms"}}
    if "stages" in found:
        found["stages"] = plan_of(body.stages)
    if "schedule" in found:
        found["schedule"] = body.schedule.model_dump(exclude_none=True)
    if body.cap is not None:
        found["cap"] = body.cap.model_dump()
    if "client_rules" in found:
        found["client_rules"] = body.client_rules.model_dump()
    return found


def _checked(found: checking.Checked) -> ReleaseChecked:
    return ReleaseChecked(
        conflicts=[ObjectionOut(**asdict(each)) for each in found.conflicts],
        warnings=[ObjectionOut(**asdict(each)) for each in found.warnings],
    )
