"""How apps are doing, for the people who answer for them: a series by version, and errors in groups.

A publisher's people and machine tokens see their own apps alone; another's app does not exist for them.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from pyroaring import BitMap

from sampan.platform.artifacts.versions_repository import versions_of
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.insight.activity_rows import DAY_MS, read_active
from sampan.platform.insight.distinct import estimate, merged
from sampan.platform.insight.health import BOOT_MS, HOUR_MS, Metric, percentile
from sampan.platform.insight.health_rows import ErrorGroup, HourCount, read_errors, read_hours
from sampan.platform.insight.reach import Reader, require_app
from sampan.platform.operators.console_auth import Workspace
from sampan.platform.operators.console_bodies import Milliseconds, NumberQuery
from sampan.platform.operators.console_paging import Page, Paged, page

MAX_DAYS = 90
DEVICES = "Different devices that reported anything."
ABOUT_DEVICES = "Different devices that reported it: exact for some hundreds, then about 3 % off."


class HealthNumbers(BaseModel):
    """What was reported; starting times in milliseconds, null without any boot."""

    opens: int = Field(description="Openings that were reported, or what came of them when that is more.")
    boots: int
    boot_p50_ms: int | None
    boot_p90_ms: int | None
    boot_p95_ms: int | None
    white_screens: int
    script_errors: int
    resources_failed: int
    csp_refused: int


class HealthPoint(HealthNumbers):
    """The numbers of one step of time."""

    at_ms: Milliseconds
    devices: int | None = Field(description=f"{DEVICES} Null for hours, since devices are counted by day (UTC).")


class VersionHealth(HealthNumbers):
    """The numbers of one version over the whole time, and step by step; steps without a report are left out."""

    sequence: int
    version: str = Field(description="The version's name.")
    devices: int = Field(description=f"{DEVICES} Of all days (UTC) that the time touches.")
    points: list[HealthPoint]


class AppHealth(BaseModel):
    """An app's health by version, the highest first. All numbers but `devices` count reports."""

    app: str
    from_ms: Milliseconds
    until_ms: Milliseconds
    step_ms: int
    versions: list[VersionHealth]


class ErrorVersion(BaseModel):
    """One version in which an error was seen."""

    sequence: int
    version: str = Field(description="The version's name.")
    count: int
    devices: int
    first_ms: Milliseconds
    last_ms: Milliseconds


class ErrorView(BaseModel):
    """A group of errors; the stack is that of a first report."""

    id: str
    kind: str
    message: str
    place: str
    stack: str
    count: int
    devices: int = Field(description=ABOUT_DEVICES)
    first_ms: Milliseconds
    last_ms: Milliseconds
    versions: list[ErrorVersion]


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["insight"])

    @router.get("/insight/apps/{app}/health")
    async def health(
        workspace_id: Workspace,
        actor: Reader,
        app: str,
        from_ms: NumberQuery = None,
        until_ms: NumberQuery = None,
        step: Annotated[str, Query(pattern="^(hour|day)$")] = "hour",
    ) -> AppHealth:
        """Return how an app is doing: the last 24 hours, or up to 90 days."""
        end = core.now_ms() if until_ms is None else until_ms
        begin = max(end - MAX_DAYS * DAY_MS, end - DAY_MS if from_ms is None else from_ms, 0)
        step_ms = HOUR_MS if step == "hour" else DAY_MS
        async with core.store.workspace(workspace_id).read() as tx:
            await require_app(tx, actor, app)
            counts = await read_hours(tx, app, from_ms=begin, until_ms=end)
            active = await read_active(tx, app, begin // DAY_MS, -(-end // DAY_MS))
            names = await _names(tx, app)
        sequences = sorted({count.sequence for count in counts}, reverse=True)
        versions = [
            _version(
                (sequence, names.get(sequence, "")),
                [count for count in counts if count.sequence == sequence],
                {day: found for (day, number), found in active.items() if number == sequence},
                step_ms,
            )
            for sequence in sequences
        ]
        return AppHealth(app=app, from_ms=begin, until_ms=end, step_ms=step_ms, versions=versions)

    @router.get("/insight/apps/{app}/errors")
    async def errors(
        workspace_id: Workspace,
        actor: Reader,
        app: str,
        paging: Paged,
        sequence: NumberQuery = None,
        kind: Annotated[str | None, Query(pattern="^[a-z_]{1,24}$")] = None,
    ) -> Page[ErrorView]:
        """List an app's errors in groups, the last seen first."""
        async with core.store.workspace(workspace_id).read() as tx:
            await require_app(tx, actor, app)
            found = await read_errors(tx, app, paging, sequence=sequence, kind=kind)
            names = await _names(tx, app)
        return page(found, lambda group: _error(group, names))

    return router


async def _names(tx: Transaction, app_id: str) -> dict[int, str]:
    return {version.package.sequence: version.package.version for version in await versions_of(tx, app_id)}


def _version(named: tuple[int, str], counts: list[HourCount], days: dict[int, BitMap], step_ms: int) -> VersionHealth:
    by_step: dict[int, list[HourCount]] = defaultdict(list)
    for count in counts:
        by_step[count.hour * HOUR_MS // step_ms * step_ms].append(count)
    points = [
        HealthPoint(
            at_ms=at_ms,
            devices=len(days[at_ms // DAY_MS]) if step_ms == DAY_MS and at_ms // DAY_MS in days else None,
            **_numbers(by_step[at_ms]).model_dump(),
        )
        for at_ms in sorted(by_step)
    ]
    sequence, version = named
    total = _numbers(counts).model_dump()
    devices = len(BitMap.union(BitMap(), *days.values()))
    return VersionHealth(sequence=sequence, version=version, devices=devices, points=points, **total)


def _devices(sketches: Iterable[ErrorGroup]) -> int:
    return estimate(merged(each.devices for each in sketches))


def _numbers(counts: list[HourCount]) -> HealthNumbers:
    total: dict[str, int] = defaultdict(int)
    classes = [0] * (len(BOOT_MS) + 1)
    for count in counts:
        name, _dot, number = count.counter.partition(".")
        total[name] += count.number
        if name == Metric.BOOT:
            classes[int(number)] += count.number
    boots, white = total[Metric.BOOT], total[Metric.WHITE_SCREEN]
    return HealthNumbers(
        opens=max(total[Metric.OPEN], boots + white),
        boots=boots,
        boot_p50_ms=percentile(classes, 0.5),
        boot_p90_ms=percentile(classes, 0.9),
        boot_p95_ms=percentile(classes, 0.95),
        white_screens=white,
        script_errors=total[Metric.SCRIPT_ERROR],
        resources_failed=total[Metric.RESOURCE_FAILED],
        csp_refused=total[Metric.CSP_REFUSED],
    )


def _error(group: list[ErrorGroup], names: dict[int, str]) -> ErrorView:
    newest = group[0]
    return ErrorView(
        id=newest.fingerprint,
        kind=newest.kind,
        message=newest.message,
        place=newest.place,
        stack=newest.stack,
        count=sum(each.number for each in group),
        devices=_devices(group),
        first_ms=min(each.first_ms for each in group),
        last_ms=max(each.last_ms for each in group),
        versions=[
            ErrorVersion(
                sequence=each.sequence,
                version=names.get(each.sequence, ""),
                count=each.number,
                devices=_devices([each]),
                first_ms=each.first_ms,
                last_ms=each.last_ms,
            )
            for each in group
        ],
    )
