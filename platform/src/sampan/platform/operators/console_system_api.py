"""Console routes: how the server is, its jobs, its settings."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from sampan.platform.engines.jobs import JobRow, JobState, page_jobs
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.attention import HealthLine, Severity
from sampan.platform.operators.console_auth import TheCore, Workspace, needs
from sampan.platform.operators.console_bodies import Milliseconds, PublicId, TextQuery
from sampan.platform.operators.console_paging import Page, Paged, listed, page
from sampan.platform.operators.system_service import (
    MANAGE,
    READ,
    SystemState,
    effective_settings,
    retry_job,
    system_state,
)

if TYPE_CHECKING:
    from sampan.platform.core import Core

Reader = Annotated[Actor, needs(READ)]
Manager = Annotated[Actor, needs(MANAGE)]


class WorkerView(BaseModel):
    """A server process; `poll_age_ms` is how long ago it last read the database's revision."""

    pid: int
    revision: str
    poll_age_ms: int
    failed_parts: list[str]


class ConsumerView(BaseModel):
    """A consumer of events; `behind` counts those that it has not handled."""

    consumer: str
    behind: int
    attempts: int
    retry_at_ms: Milliseconds
    last_error: str


class StorageView(BaseModel):
    """The disk that the data stand on, in bytes."""

    free_bytes: int
    total_bytes: int
    database_bytes: int


class HealthView(BaseModel):
    """One thing of the platform; `info` is well. Numbers that a page may show stand in `facts`."""

    name: str
    severity: Severity
    zh: str
    en: str
    facts: dict[str, int | str | bool]

    @classmethod
    def of(cls, line: HealthLine) -> "HealthView":
        """Return the answer for a line."""
        return cls(name=line.name, severity=line.severity, zh=line.zh, en=line.en, facts=dict(line.facts))


class SystemView(BaseModel):
    """How the server is. `jobs` counts by state; a finished job is in none."""

    revision: str
    workers: list[WorkerView]
    jobs: dict[JobState, int]
    consumers: list[ConsumerView]
    storage: StorageView
    health: list[HealthView]

    @classmethod
    def of(cls, state: SystemState) -> "SystemView":
        """Return the answer for a state."""
        return cls(
            revision=state.revision,
            workers=[WorkerView(**asdict(each)) for each in state.workers],
            jobs={name: state.jobs.get(name, 0) for name in JobState},
            consumers=[
                ConsumerView(
                    consumer=each.state.consumer,
                    behind=each.behind,
                    attempts=each.state.attempts,
                    retry_at_ms=each.state.retry_at_ms,
                    last_error=each.state.last_error,
                )
                for each in state.consumers
            ],
            storage=StorageView(**asdict(state.storage)),
            health=[HealthView.of(line) for line in state.health],
        )


class JobView(BaseModel):
    """A job that is not finished; a failed one waits until somebody has it tried again."""

    id: str
    kind: str
    state: JobState
    attempts: int
    run_at_ms: Milliseconds
    last_error: str
    changed_ms: Milliseconds


class SettingView(BaseModel):
    """A setting as it is in force; a secret one never shows its value."""

    name: str
    description: str
    value: str
    is_default: bool
    is_secret: bool


def build(_core: "Core") -> APIRouter:
    """Return the routes below /system and /settings."""
    router = APIRouter(tags=["system"])
    add = router.add_api_route
    add("/system", get_system, methods=["GET"], summary="Workers, revisions, jobs, events, storage")
    add("/system/jobs", get_jobs, methods=["GET"], summary="List unfinished jobs")
    add("/system/jobs/{job_id}/retry", post_retry, methods=["POST"], status_code=204, summary="Try a job again")
    add("/settings", get_settings, methods=["GET"], summary="List the settings in force")
    return router


async def get_system(core: TheCore, workspace: Workspace, _actor: Reader) -> SystemView:
    """Tell how the server is, as far as it concerns this workspace."""
    return SystemView.of(await system_state(core, workspace))


async def get_jobs(
    core: TheCore,
    workspace: Workspace,
    _actor: Reader,
    paging: Paged,
    state: Annotated[list[JobState] | None, Query(description="Repeat for more than one.")] = None,
    kind: TextQuery = None,
) -> Page[JobView]:
    """List the jobs that wait, run or failed, the last changed first."""
    async with core.store.workspace(workspace).read() as tx:
        return page(await page_jobs(tx, paging, states=state or tuple(JobState), kind=kind), _job_view)


async def post_retry(core: TheCore, workspace: Workspace, actor: Manager, job_id: PublicId) -> None:
    """Give a failed job all its attempts again."""
    await retry_job(core, workspace, actor, job_id)


async def get_settings(core: TheCore, _actor: Reader, paging: Paged) -> Page[SettingView]:
    """List what the server was set to; it is changed in its environment, then restarted."""
    found = [SettingView(**asdict(each)) for each in effective_settings(core.settings)]
    return listed(found, paging, key=lambda each: each.name)


def _job_view(job: JobRow) -> JobView:
    return JobView(
        id=job.job_id,
        kind=job.kind,
        state=job.state,
        attempts=job.attempts,
        run_at_ms=job.run_at_ms,
        last_error=job.last_error,
        changed_ms=job.changed_ms,
    )
