"""How far releases and versions have come, in counters that reconcile."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from sampan.platform.artifacts.versions_repository import versions_of
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.insight.activity_rows import DAY_MS
from sampan.platform.insight.beginnings import Beginnings
from sampan.platform.insight.delivery_rows import (
    Reached,
    first_seen,
    reached_by_release,
    reached_by_version,
    releases_since,
)
from sampan.platform.insight.funnel import ONLINE_MS, Latency, latency_of, steps_of
from sampan.platform.insight.reach import Reader, require_app
from sampan.platform.insight.schemas import Stage
from sampan.platform.operators.console_auth import Workspace, needs

MOST_SEEN = 100_000
MOST_RELEASES = 50


class StepView(BaseModel):
    """One stage: `devices` = `failed` + `waiting` + the devices of the next stage."""

    stage: Stage
    devices: int = Field(description="Devices that came at least here.")
    failed: int = Field(description="Devices that failed here, and came no further.")
    waiting: int = Field(description="Devices whose last word this is so far; nobody waits at the last stage.")


class LatencyView(BaseModel):
    """How long after the release reached its audience devices that were online saw it, and ran it."""

    devices: int = Field(description=f"Devices that told of it; of a release with more, the first {MOST_SEEN:,}.")
    online: int = Field(description=f"Those that did so within {ONLINE_MS // 60_000} minutes: what is measured.")
    offered_p50_ms: int | None
    offered_p95_ms: int | None
    booted: int = Field(description="Of the online ones, those that ran it.")
    booted_p50_ms: int | None
    booted_p95_ms: int | None


class Counters(BaseModel):
    """Devices by the furthest stage; every device counts once. offered >= ... >= installed >= booted + failed there."""

    devices: int
    failed: int = Field(description="Devices that failed anywhere and have not booted.")
    steps: list[StepView] = Field(description="offered, downloaded, verified, installed, booted.")


class ReleaseFunnel(Counters):
    """How far a release has come."""

    release: str
    latency: LatencyView


class VersionFunnel(Counters):
    """How far a version has come, in all its releases; a device of several counts once."""

    sequence: int
    version: str = Field(description="The version's name.")


class VersionFunnels(BaseModel):
    """The versions that devices were first offered in the last days, the highest first."""

    app: str
    days: int
    versions: list[VersionFunnel]


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["insight"])

    @router.get("/insight/releases/{release_id}/funnel", dependencies=[needs("insight:read")])
    async def release_funnel(workspace_id: Workspace, release_id: str) -> ReleaseFunnel:
        """Return how far a release has come, and how soon."""
        async with core.store.workspace(workspace_id).read() as tx:
            rows = await reached_by_release(tx, release_id)
            latency = await latency_of_releases(core, tx, [release_id])
        return ReleaseFunnel(release=release_id, latency=latency_view(latency), **counters(rows).model_dump())

    @router.get("/insight/apps/{app}/funnels")
    async def version_funnels(
        workspace_id: Workspace, actor: Reader, app: str, days: Annotated[int, Query(ge=1, le=400)] = 30
    ) -> VersionFunnels:
        """Return how far each version of an app has come on the devices that were first offered it in the last days."""
        async with core.store.workspace(workspace_id).read() as tx:
            await require_app(tx, actor, app)
            rows = await reached_by_version(tx, app, from_ms=core.now_ms() - days * DAY_MS)
            names = {each.package.sequence: each.package.version for each in await versions_of(tx, app)}
        versions = [
            VersionFunnel(
                sequence=sequence,
                version=names.get(sequence, ""),
                **counters([row for row in rows if row.sequence == sequence]).model_dump(),
            )
            for sequence in sorted({row.sequence for row in rows}, reverse=True)
        ]
        return VersionFunnels(app=app, days=days, versions=versions)

    return router


def counters(rows: Iterable[Reached]) -> Counters:
    """Return the view of some devices' places."""
    steps = steps_of(rows)
    views = [
        StepView(stage=step.stage, devices=step.devices, failed=step.failed, waiting=step.waiting) for step in steps
    ]
    return Counters(devices=steps[0].devices, failed=sum(step.failed for step in steps), steps=views)


async def latency_of_releases(core: Core, tx: Transaction, releases: Iterable[str]) -> Latency:
    """Return how soon releases were seen by the devices that were online."""
    found = sorted(releases)
    moments: dict[str, list[int]] = {}
    for source in core.contributions(Beginnings):
        for release, begins in (await source.read(tx, found)).items():
            moments.setdefault(release, []).extend(begins)
    seen = []
    for release in found:
        rows = await first_seen(tx, release, limit=MOST_SEEN)
        seen += [(moments.get(release, []), each) for each in rows]
    return latency_of(seen)


async def latency_since(core: Core, tx: Transaction, app: str | None, *, from_ms: int) -> Latency:
    """Return how soon the releases of some time were seen; of more than `MOST_RELEASES`, the latest."""
    return await latency_of_releases(core, tx, await releases_since(tx, app, from_ms=from_ms, limit=MOST_RELEASES))


def latency_view(latency: Latency) -> LatencyView:
    """Return the view of a latency."""
    return LatencyView(**{name: getattr(latency, name) for name in Latency.__struct_fields__})
