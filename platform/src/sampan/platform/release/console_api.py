"""Releases for people: typed bodies, one use case each."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from msgspec.structs import asdict
from pydantic import BaseModel, Field

from sampan.platform.core import Core
from sampan.platform.operators.console_auth import Signed, Workspace, needs
from sampan.platform.operators.console_paging import Page, Paged, page
from sampan.platform.release import (
    caps,
    client_rules,
    drafts,
    freezes,
    kills,
    moves,
    repository,
    rolling_back,
    schedule,
    stages,
    starting,
)
from sampan.platform.release.caps import MAX_CUSTOMERS
from sampan.platform.release.gate_bounds import Bound
from sampan.platform.release.judging import work_out
from sampan.platform.release.looks_rows import Look, read_looks
from sampan.platform.release.progress import bound_of
from sampan.platform.release.repository import HistoryEntry, Release
from sampan.platform.release.schedule import Freeze, next_open_ms
from sampan.platform.release.stages import Advance, Signal
from sampan.platform.release.states import MOVES, ReleaseState

MILLION = 1_000_000
MAX_MS = 2**53 - 1
LIMIT_POINTS = 60
FEWEST_DRAWN = 50
ORDERS = {order.name: order for order in (repository.NEWEST, repository.OLDEST, repository.LAST_CHANGED)}


class RatioBody(BaseModel, extra="forbid"):
    """Devices that reported events of one type, of those that reported these or events of another."""

    failed: str = Field(min_length=1, max_length=64, description="A type of event that means that it failed.")
    of: str = Field(min_length=1, max_length=64, description="A type of event that devices report when it goes well.")


class GateBody(BaseModel, extra="forbid"):
    """What stops the release, and what must hold before it moves on."""

    signals: list[Signal | RatioBody] = Field(
        [Signal.DELIVERY_FAILED, Signal.WHITE_SCREEN], description="What counts as a failure of a device.", min_length=1
    )
    ratio_percent: int = Field(
        200, ge=110, le=1000, description="How often it may not fail: 200 is twice as often as the version before."
    )
    most_basis_points: int | None = Field(
        None, ge=10, le=5000, description="The healthy share of failing devices when there is no version before."
    )


class StageBody(BaseModel, extra="forbid"):
    """A stage of the plan."""

    name: str = Field(min_length=1, max_length=60)
    basis_points: int = Field(ge=1, le=10_000, description="Share of the audience; 10,000 is everybody.")
    audience: dict[str, Any] | None = Field(None, description="Rule tree that narrows the audience, to testers say.")
    advance: Advance = Field(Advance.PERSON, description="Who moves on from here when the gate is passed.")
    min_minutes: int = Field(0, ge=0, le=86_400, description="How long it lasts at least.")
    gate: GateBody | None = None


class HoursBody(BaseModel, extra="forbid"):
    """Working hours."""

    zone: str = Field(description="Time zone, such as Asia/Shanghai.", min_length=1, max_length=64)
    days: list[Annotated[int, Field(ge=0, le=6)]] = Field(min_length=1, max_length=7, description="0 is Monday.")
    from_minute: int = Field(ge=0, lt=1440, description="Minute of the day.")
    until_minute: int = Field(gt=0, le=1440, description="Minute of the day, not included.")


class ScheduleBody(BaseModel, extra="forbid"):
    """When a release may start and move on; empty means always."""

    not_before_ms: int | None = Field(None, ge=0, le=MAX_MS)
    not_after_ms: int | None = Field(None, ge=0, le=MAX_MS)
    hours: HoursBody | None = None


class CapBody(BaseModel, extra="forbid"):
    """How many customers get it at most; a device on which nobody is signed in counts as one."""

    customers: int = Field(ge=1, le=MAX_CUSTOMERS)
    until_ms: int | None = Field(None, ge=0, le=MAX_MS, description="From then on nobody new gets it; null: no end.")


class ClientRulesBody(BaseModel, extra="forbid"):
    """How clients take it."""

    wifi_only: bool = Field(False, description="No download in the background but on Wi-Fi.")
    predownload: bool = Field(False, description="Fetched right after a sync, before anything else.")
    minimum_sequence: int | None = Field(
        None, ge=1, le=MAX_MS, description="A lower version that is installed updates before it opens; null: none does."
    )


class ReleaseDraft(BaseModel):
    """A release to be made."""

    kind: str = Field("miniapp", description="Deliverable kind, such as miniapp or shared.")
    id: str = Field(description="Id of the deliverable: for a mini-app its app id.", max_length=200)
    sequence: int = Field(description="Sequence of the published version.", ge=1)
    audience: dict[str, Any] = Field(description="Rule tree: who gets it.")
    client_app: str | None = Field(None, description="Only this client app; null means every one.")
    update_mode: str = Field("async", description="async or sync.")
    rollback_to: int | None = Field(None, description="Sequence that one person may roll back to.")
    stages: list[StageBody] | None = Field(None, description="The plan, first stage first; null: everybody at once.")
    schedule: ScheduleBody = Field(default_factory=lambda: ScheduleBody(), description="When it may start and move on.")
    cap: CapBody | None = Field(None, description="To so many customers and no more; null: no limit.")
    client_rules: ClientRulesBody = Field(default_factory=lambda: ClientRulesBody(), description="How clients take it.")


class Cause(BaseModel):
    """Why something is done; shown in the history."""

    cause: str = Field("", max_length=2000)


class RollBack(Cause):
    """Where devices go back to, and why."""

    to: int | None = Field(None, ge=0, description="Sequence of an earlier version; null: the one that was approved.")


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
    stage: int
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
    stages: list[StageBody]
    stage: int
    stage_since_ms: int
    schedule: ScheduleBody
    cap: CapBody | None
    client_rules: ClientRulesBody
    state: ReleaseState
    cause: str
    made_by: str
    created_ms: int
    changed_ms: int
    moves: list[str]


class LookOut(BaseModel):
    """What the gate saw at a time; `why` is what followed from it."""

    at_ms: int
    stage: int
    devices: int
    failures: int
    most: int
    why: str


class LimitOut(BaseModel):
    """Of so many devices at most so many may fail."""

    devices: int
    most: int


class ProgressOut(BaseModel):
    """How a release stands: the test that judges it, and every look that saw something new.

    `sample` devices must have told how it fares before the gate can be passed; null when no sample would do: a person
    decides then. Rates are in parts of a million. `limits` draws the line that stops the release; empty without a gate.
    """

    stage: int
    before_devices: int
    before_failures: int
    healthy_ppm: int | None
    failing_ppm: int | None
    sample: int | None
    next_open_ms: int | None
    looks: list[LookOut]
    limits: list[LimitOut]


class FreezeBody(BaseModel, extra="forbid"):
    """A time in which nothing starts or moves on."""

    from_ms: int = Field(ge=0, le=MAX_MS)
    until_ms: int = Field(ge=0, le=MAX_MS)
    reason: str = Field(min_length=1, max_length=freezes.MAX_REASON)


class FreezeOut(FreezeBody):
    """A freeze of the calendar."""

    id: str


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
        return page(found, release_out)

    @router.post("/releases", status_code=201, dependencies=[needs("release:create")])
    async def create_release(workspace_id: Workspace, actor: Signed, body: ReleaseDraft) -> ReleaseOut:
        """Make a draft."""
        return release_out(await drafts.create_release(core, workspace_id, actor, draft_of(body)))

    @router.get("/releases/{release_id}", dependencies=[needs("release:read")])
    async def get_release(workspace_id: Workspace, _actor: Signed, release_id: str) -> ReleaseDetail:
        """Return a release with its history."""
        async with core.store.workspace(workspace_id).read() as tx:
            release = await repository.get_release(tx, release_id)
            entries = await repository.history(tx, release_id)
        return ReleaseDetail(**release_out(release).model_dump(), history=[_entry(entry) for entry in entries])

    @router.post("/releases/{release_id}/submit", dependencies=[needs("release:submit")])
    async def submit(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> SubmittedOut:
        """Ask for approval; approving the change request starts the release."""
        change = await starting.submit_release(core, workspace_id, actor, release_id, note=body.cause)
        return SubmittedOut(change=change.id, digest=change.digest)

    @router.post("/releases/{release_id}/resume", dependencies=[needs("release:submit")])
    async def resume(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> SubmittedOut:
        """Ask to go on with a paused release."""
        change = await starting.propose_resume(core, workspace_id, actor, release_id, note=body.cause)
        return SubmittedOut(change=change.id, digest=change.digest)

    @router.post("/releases/{release_id}/pause", dependencies=[needs("release:stop")])
    async def pause(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> ReleaseOut:
        """Make no new offers for now."""
        return release_out(await moves.pause_release(core, workspace_id, actor, release_id, cause=body.cause))

    @router.post("/releases/{release_id}/move-on", dependencies=[needs("release:submit")])
    async def move_on(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> ReleaseOut:
        """Go to the next stage of the approved plan, whatever its gate says."""
        return release_out(await moves.move_on(core, workspace_id, actor, release_id, cause=body.cause))

    @router.post("/releases/{release_id}/narrow", dependencies=[needs("release:stop")])
    async def narrow(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> ReleaseOut:
        """Go back to the stage before; who has the version keeps it."""
        return release_out(await moves.narrow(core, workspace_id, actor, release_id, cause=body.cause))

    @router.get("/releases/{release_id}/progress", dependencies=[needs("release:read")])
    async def progress(workspace_id: Workspace, _actor: Signed, release_id: str) -> ProgressOut:
        """Return what the gate saw of a release, and how it judges."""
        async with core.store.workspace(workspace_id).read() as tx:
            release = await repository.get_release(tx, release_id)
            looks = await read_looks(tx, release_id)
            calendar = await freezes.list_freezes(tx, now_ms=core.now_ms())
        await work_out(release.stages, release.before)
        return _progress(release, looks, next_open_ms(release.schedule, calendar, core.now_ms()))

    @router.get("/freezes", dependencies=[needs("release:read")])
    async def list_freezes(workspace_id: Workspace, _actor: Signed, paging: Paged) -> Page[FreezeOut]:
        """List the freezes that are not over."""
        async with core.store.workspace(workspace_id).read() as tx:
            found = await freezes.page_freezes(tx, paging, now_ms=core.now_ms())
        return page(found, _freeze)

    @router.post("/freezes", status_code=201, dependencies=[needs("release:freeze")])
    async def add_freeze(workspace_id: Workspace, actor: Signed, body: FreezeBody) -> FreezeOut:
        """Freeze a time: nothing starts or moves on in it, stopping and rolling back go on."""
        made = await freezes.add_freeze(
            core, workspace_id, actor, from_ms=body.from_ms, until_ms=body.until_ms, reason=body.reason
        )
        return _freeze(made)

    @router.delete("/freezes/{freeze_id}", status_code=204, dependencies=[needs("release:freeze")])
    async def remove_freeze(workspace_id: Workspace, actor: Signed, freeze_id: str) -> None:
        """End or cancel a freeze."""
        await freezes.remove_freeze(core, workspace_id, actor, freeze_id)

    @router.post("/releases/{release_id}/complete", dependencies=[needs("release:submit")])
    async def complete(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> ReleaseOut:
        """Mark the rollout as done; it keeps offering."""
        return release_out(await moves.complete_release(core, workspace_id, actor, release_id, cause=body.cause))

    @router.post("/releases/{release_id}/stop", dependencies=[needs("release:stop")])
    async def stop(workspace_id: Workspace, actor: Signed, release_id: str, body: Cause) -> ReleaseOut:
        """End the release for good; what is installed stays."""
        return release_out(await moves.stop_release(core, workspace_id, actor, release_id, cause=body.cause))

    @router.post("/releases/{release_id}/rollback", dependencies=[needs("release:stop")])
    async def roll_back(workspace_id: Workspace, actor: Signed, release_id: str, body: RollBack) -> ReleaseOut:
        """Take devices back to an earlier version, by itself the one that was approved with the release."""
        return release_out(
            await rolling_back.roll_back_release(core, workspace_id, actor, release_id, cause=body.cause, to=body.to)
        )

    @router.post("/kills", status_code=204, dependencies=[needs("release:kill")])
    async def kill(workspace_id: Workspace, actor: Signed, body: Kill) -> None:
        """Forbid a version on every device after its next contact."""
        await kills.kill_version(
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


def release_out(release: Release) -> ReleaseOut:
    """Return the release as people see it."""
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
        stages=[StageBody.model_validate(stage) for stage in stages.written(release.stages)],
        stage=release.stage,
        stage_since_ms=release.stage_since_ms,
        schedule=ScheduleBody.model_validate(schedule.written(release.schedule)),
        cap=None if release.cap is None else CapBody.model_validate(caps.written(release.cap)),
        client_rules=ClientRulesBody.model_validate(client_rules.written(release.client_rules)),
        state=release.state,
        cause=release.cause,
        made_by=release.made_by,
        created_ms=release.created_ms,
        changed_ms=release.changed_ms,
        moves=moves,
    )


def draft_of(body: ReleaseDraft) -> drafts.Draft:
    """Return what the body describes."""
    return drafts.Draft(
        kind=body.kind,
        deliverable_id=body.id,
        sequence=body.sequence,
        audience=body.audience,
        client_app=body.client_app,
        update_mode=body.update_mode,
        rollback_to=body.rollback_to,
        stages=plan_of(body.stages),
        schedule=body.schedule.model_dump(exclude_none=True),
        cap=None if body.cap is None else body.cap.model_dump(),
        client_rules=body.client_rules.model_dump(),
    )


def plan_of(bodies: list[StageBody] | None) -> list[dict[str, Any]]:
    """Return the stages as they are read; None is everybody at once."""
    if bodies is None:
        return stages.written(stages.EVERYBODY)
    return [body.model_dump(mode="json") for body in bodies]


def _progress(release: Release, looks: list[Look], opens_ms: int | None) -> ProgressOut:
    gate = next((stage.gate for stage in release.stages[release.stage :] if stage.gate is not None), None)
    bound = bound_of(gate, release.before) if gate is not None else None
    return ProgressOut(
        stage=release.stage,
        before_devices=release.before.devices,
        before_failures=release.before.failures,
        healthy_ppm=None if bound is None else round(bound.healthy * MILLION),
        failing_ppm=None if bound is None else round(bound.failing * MILLION),
        sample=None if bound is None else bound.sample,
        next_open_ms=opens_ms,
        looks=[LookOut(**asdict(look)) for look in looks],
        limits=[] if bound is None else _limits(bound, looks),
    )


def _limits(bound: Bound, looks: list[Look]) -> list[LimitOut]:
    """Return the line of the test up to a little beyond the sample and what was seen."""
    last = 1 + max(bound.sample or 0, looks[-1].devices if looks else 0, FEWEST_DRAWN) * 11 // 10
    return [
        LimitOut(devices=devices, most=bound.most(devices))
        for devices in sorted({last * n // LIMIT_POINTS for n in range(LIMIT_POINTS + 1)})
    ]


def _freeze(freeze: Freeze) -> FreezeOut:
    return FreezeOut(id=freeze.id, from_ms=freeze.from_ms, until_ms=freeze.until_ms, reason=freeze.reason)


def _entry(entry: HistoryEntry) -> HistoryItem:
    return HistoryItem(state=entry.state, stage=entry.stage, cause=entry.cause, by=entry.made_by, at_ms=entry.at_ms)
