"""How apps are used: adoption, active devices, who comes back, how well updates go, funnels; and how long it is kept.

Numbers are of devices, never of customers, so small ones name nobody. A publisher's people see their own apps alone.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from sampan.platform.artifacts.versions_repository import versions_of
from sampan.platform.core import Core
from sampan.platform.insight.activity import adoption
from sampan.platform.insight.activity_rows import DAY_MS, read_active
from sampan.platform.insight.console_delivery_api import LatencyView, latency_view
from sampan.platform.insight.event_types import event_types
from sampan.platform.insight.funnels_service import MOST_DAYS, MOST_STEPS, FunnelStep, count_funnel
from sampan.platform.insight.health import DELIVERY
from sampan.platform.insight.keeping import ROLLED_UP_KEEP_DAYS
from sampan.platform.insight.policy import KEEP_DAYS
from sampan.platform.insight.reach import READ, Reader, require_app
from sampan.platform.insight.summary import Share, Start, Summary, summary
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_bodies import Body, Milliseconds, example

Days = Annotated[int, Query(ge=1, le=90, description="The last days, today included; days are UTC.")]


class ShareView(BaseModel):
    """So many of so many."""

    of: int
    number: int
    rate: float | None = Field(description="From 0 to 1; null of none.")


class StartView(BaseModel):
    """How long apps took to start."""

    boots: int
    p50_ms: int | None
    p90_ms: int | None
    p95_ms: int | None


class DayView(BaseModel):
    """One day."""

    at_ms: Milliseconds
    active: int = Field(description="Devices that reported anything.")
    newcomers: int = Field(description="Of these, devices that never had before.")
    opens: int
    start: StartView


class RetentionView(BaseModel):
    """Of the devices that were new on a day, those that were active again exactly so many days later.

    Of the last 28 days whose later day is over.
    """

    days: int
    newcomers: int
    kept: int
    rate: float | None


class SummaryView(BaseModel):
    """How an app, or all apps, are used. At most a minute old."""

    app: str | None
    days: list[DayView] = Field(description="The oldest first; today last, as far as it has come.")
    active_day: int = Field(description="Different devices today.")
    active_week: int = Field(description="Different devices of the last 7 days.")
    active_month: int = Field(description="Different devices of the last 30 days.")
    retention: list[RetentionView]
    success: ShareView = Field(description="Deliveries that ended, and those of them that installed.")
    hits: ShareView = Field(description="Openings, and those of them that had to fetch nothing.")
    start: StartView
    latency: LatencyView


class AdoptionDay(BaseModel):
    """One day; a device that used several versions counts at the highest."""

    at_ms: Milliseconds
    devices: int
    by_sequence: dict[int, int]


class AdoptionVersion(BaseModel):
    """A version that somebody used."""

    sequence: int
    version: str


class AdoptionView(BaseModel):
    """Who used which version, by day."""

    app: str
    versions: list[AdoptionVersion] = Field(description="The highest first.")
    days: list[AdoptionDay] = Field(description="The oldest first; every day, also those without devices.")


class StepBody(Body):
    """One step: an event of this type, in any app or one, in any version or one."""

    type: Annotated[str, Field(min_length=1, max_length=64)]
    app: Annotated[str | None, Field(max_length=200)] = None
    sequence: Annotated[int | None, Field(ge=0, le=2**53 - 1)] = None


class FunnelBody(Body):
    """Steps in order, over the last days; the last step at most `window_minutes` after the first."""

    model_config = example(
        {
            "steps": [{"type": "app.opened", "app": "bank.demo.coupons"}, {"type": "app.white_screen"}],
            "days": 7,
            "window_minutes": 60,
        }
    )
    steps: Annotated[list[StepBody], Field(min_length=2, max_length=MOST_STEPS)]
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 7
    window_minutes: Annotated[int, Field(ge=1, le=MOST_DAYS * 24 * 60)] = 60


class ReachView(BaseModel):
    """Devices that did this step and all before it, in order."""

    type: str
    app: str | None
    sequence: int | None
    devices: int
    middle_ms: int | None = Field(description="The middle time since the step before.")


class FunnelView(BaseModel):
    """A funnel over events."""

    days: int
    window_minutes: int
    steps: list[ReachView]


class EventTypeView(BaseModel):
    """A type of event that devices may report."""

    type: str
    by_version: bool = Field(description="Whether a gate can make a ratio of it.")


class EventTypes(BaseModel):
    """All types."""

    types: list[EventTypeView]


class KeepView(BaseModel):
    """How long what devices report is kept."""

    event_keep_days: int = Field(description="Events as they came, and groups of errors since the last of them.")
    least: int
    most: int
    rolled_up_keep_days: int = Field(description="Numbers by day and hour, and sets of active devices.")


class KeepBody(Body):
    """A new number of days."""

    event_keep_days: int


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["insight"])
    _add_numbers(router, core)
    _add_funnels(router, core)
    _add_policy(router, core)
    return router


def _add_numbers(router: APIRouter, core: Core) -> None:
    @router.get("/insight/summary")
    async def insight_summary(
        workspace_id: Workspace,
        actor: Reader,
        app: Annotated[str | None, Query(max_length=200)] = None,
        days: Days = 30,
    ) -> SummaryView:
        """Return how an app is used, or all apps together."""
        async with core.store.workspace(workspace_id).read() as tx:
            if app is None:
                actor.require(READ)
            else:
                await require_app(tx, actor, app)
        return _summary(app, await summary(core, workspace_id, app, days))

    @router.get("/insight/apps/{app}/adoption")
    async def app_adoption(workspace_id: Workspace, actor: Reader, app: str, days: Days = 30) -> AdoptionView:
        """Return who used which version of an app, by day."""
        today = core.now_ms() // DAY_MS
        async with core.store.workspace(workspace_id).read() as tx:
            await require_app(tx, actor, app)
            active = await read_active(tx, app, today - days + 1, today + 1)
            names = {each.package.sequence: each.package.version for each in await versions_of(tx, app)}
        found = adoption(active, range(today - days + 1, today + 1))
        used = sorted({sequence for day in found for sequence in day.by_sequence}, reverse=True)
        return AdoptionView(
            app=app,
            versions=[AdoptionVersion(sequence=each, version=names.get(each, "")) for each in used],
            days=[
                AdoptionDay(at_ms=day.day * DAY_MS, devices=day.devices, by_sequence=day.by_sequence) for day in found
            ],
        )


def _add_funnels(router: APIRouter, core: Core) -> None:
    @router.get("/insight/event-types", dependencies=[needs(READ, scoped=True)])
    async def types() -> EventTypes:
        """List the types of events that devices may report."""
        return EventTypes(
            types=[EventTypeView(type=each, by_version=not each.startswith(DELIVERY)) for each in event_types(core)]
        )

    @router.post("/insight/funnels")
    async def count(workspace_id: Workspace, actor: Reader, body: FunnelBody) -> FunnelView:
        """Count how many devices did one thing after another. Changes nothing."""
        steps = [FunnelStep(step.type, step.app, step.sequence) for step in body.steps]
        window_ms = body.window_minutes * 60_000
        found = await count_funnel(core, workspace_id, actor, steps, days=body.days, window_ms=window_ms)
        return FunnelView(
            days=body.days,
            window_minutes=body.window_minutes,
            steps=[
                ReachView(**step.model_dump(), devices=reach.devices, middle_ms=reach.middle_ms)
                for step, reach in zip(body.steps, found, strict=True)
            ],
        )


def _add_policy(router: APIRouter, core: Core) -> None:
    @router.get("/insight/policy", dependencies=[needs(READ, scoped=True)])
    async def get_keeping(workspace_id: Workspace) -> KeepView:
        """Return how long what devices report is kept."""
        async with core.store.workspace(workspace_id).read() as tx:
            return _keep(await KEEP_DAYS.read(tx))

    @router.put("/insight/policy")
    async def put_keeping(
        workspace_id: Workspace, actor: Annotated[Actor, needs(KEEP_DAYS.permission)], body: KeepBody
    ) -> KeepView:
        """Keep events for another number of days; what is older goes and does not come back."""
        return _keep(await KEEP_DAYS.put(core, workspace_id, actor, body.event_keep_days))


def _keep(days: int) -> KeepView:
    return KeepView(
        event_keep_days=days,
        least=KEEP_DAYS.least,
        most=KEEP_DAYS.most,
        rolled_up_keep_days=max(days, ROLLED_UP_KEEP_DAYS),
    )


def _summary(app: str | None, found: Summary) -> SummaryView:
    return SummaryView(
        app=app,
        days=[
            DayView(
                at_ms=each.day * DAY_MS,
                active=each.active,
                newcomers=each.newcomers,
                opens=each.opens,
                start=_start(each.start),
            )
            for each in found.days
        ],
        active_day=found.active_day,
        active_week=found.active_week,
        active_month=found.active_month,
        retention=[
            RetentionView(
                days=each.days,
                newcomers=each.newcomers,
                kept=each.kept,
                rate=each.kept / each.newcomers if each.newcomers else None,
            )
            for each in found.retention
        ],
        success=_share(found.success),
        hits=_share(found.hits),
        start=_start(found.start),
        latency=latency_view(found.latency),
    )


def _share(share: Share) -> ShareView:
    return ShareView(of=share.of, number=share.number, rate=share.rate)


def _start(start: Start) -> StartView:
    return StartView(boots=start.boots, p50_ms=start.p50_ms, p90_ms=start.p90_ms, p95_ms=start.p95_ms)
