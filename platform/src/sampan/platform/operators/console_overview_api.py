"""Console route: the first page."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from sampan.platform.operators.attention import Matter, Severity
from sampan.platform.operators.console_auth import Signed, TheCore, Workspace
from sampan.platform.operators.console_bodies import Milliseconds
from sampan.platform.operators.console_system_api import HealthView, StorageView, WorkerView
from sampan.platform.operators.overview import SHOWN_OF_A_KIND, Overview, PlatformState, overview

if TYPE_CHECKING:
    from sampan.platform.core import Core

Days = Annotated[int, Query(ge=1, le=90, description="How many days the series have; the last one is today.")]


class MatterView(BaseModel):
    """One thing that waits for a person; `link` is its place in the console."""

    key: str
    kind: str
    severity: Severity
    zh: str
    en: str
    link: str
    since_ms: Milliseconds

    @classmethod
    def of(cls, matter: Matter) -> "MatterView":
        """Return the answer for a matter."""
        return cls(**{name: getattr(matter, name) for name in cls.model_fields})


class GroupView(BaseModel):
    """The matters of one kind."""

    kind: str
    count: int
    matters: list[MatterView] = Field(description=f"The first {SHOWN_OF_A_KIND}: the worst, then the longest waiting.")


class PlatformView(BaseModel):
    """How the platform is."""

    worker: WorkerView
    storage: StorageView
    health: list[HealthView]

    @classmethod
    def of(cls, state: PlatformState) -> "PlatformView":
        """Return the answer for a state."""
        return cls(
            worker=WorkerView(**asdict(state.worker)),
            storage=StorageView(**asdict(state.storage)),
            health=[HealthView.of(line) for line in state.lines],
        )


class SeriesView(BaseModel):
    """One number for each day, the oldest first; days are UTC."""

    name: str
    zh: str
    en: str
    values: list[int]


class OverviewView(BaseModel):
    """The first page: what the caller can deal with now, the platform (null without `system:read`), and charts."""

    needs_me: list[GroupView]
    platform: PlatformView | None
    first_day_ms: Milliseconds
    series: list[SeriesView]

    @classmethod
    def of(cls, found: Overview) -> "OverviewView":
        """Return the answer for what was found."""
        return cls(
            needs_me=[
                GroupView(kind=group.kind, count=group.count, matters=[MatterView.of(each) for each in group.matters])
                for group in found.groups
            ],
            platform=PlatformView.of(found.platform) if found.platform else None,
            first_day_ms=found.first_day_ms,
            series=[SeriesView(name=s.name, zh=s.zh, en=s.en, values=list(s.values)) for s in found.series],
        )


def build(_core: "Core") -> APIRouter:
    """Return the route of the first page."""
    router = APIRouter(tags=["overview"])
    router.add_api_route("/overview", get_overview, methods=["GET"], summary="What needs me, how it is, charts")
    return router


async def get_overview(core: TheCore, workspace: Workspace, actor: Signed, days: Days = 14) -> OverviewView:
    """Tell what needs the caller today, how the platform is, and numbers by day."""
    return OverviewView.of(await overview(core, workspace, actor, days=days))
